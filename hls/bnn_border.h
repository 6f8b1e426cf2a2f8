// Border classes of output pixels: which initial accumulator value a pixel takes.
#ifndef BNN_BORDER_H_
#define BNN_BORDER_H_

namespace bnnhw {

/// Number of border patterns: row classes times column classes.
constexpr int border_patterns(int top, int bottom, int left, int right) {
  return (top + 1 + bottom) * (left + 1 + right);
}

/// Class of one position along an axis: the first `before` positions and the last `after` have one
/// each, all in between share one.
template <int SIZE, int BEFORE, int AFTER>
inline int border_class(int position) {
#pragma HLS INLINE
  if (position < BEFORE) return position;
  if (position >= SIZE - AFTER) return BEFORE + 1 + position - (SIZE - AFTER);
  return BEFORE;
}

/// Walks over the output pixels in raster order.
template <int OUT_H, int OUT_W, int BORDER_TOP, int BORDER_BOTTOM, int BORDER_LEFT,
          int BORDER_RIGHT>
struct BorderWalk {
  static_assert(BORDER_TOP >= 0 && BORDER_BOTTOM >= 0 && BORDER_LEFT >= 0 && BORDER_RIGHT >= 0,
                "borders are counts");
  static_assert(BORDER_TOP + BORDER_BOTTOM <= OUT_H && BORDER_LEFT + BORDER_RIGHT <= OUT_W,
                "borders do not overlap");
  int y = 0;
  int x = 0;

  /// Pattern of the current pixel.
  int pattern() const {
#pragma HLS INLINE
    return border_class<OUT_H, BORDER_TOP, BORDER_BOTTOM>(y) * (BORDER_LEFT + 1 + BORDER_RIGHT) +
           border_class<OUT_W, BORDER_LEFT, BORDER_RIGHT>(x);
  }

  /// On to the next pixel.
  void next() {
#pragma HLS INLINE
    if (x < OUT_W - 1) {
      ++x;
    } else {
      x = 0;
      ++y;
    }
  }
};

}  // namespace bnnhw

#endif  // BNN_BORDER_H_

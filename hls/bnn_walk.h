// In which order the beats of a PE array come, and how its results leave.
#ifndef BNN_WALK_H_
#define BNN_WALK_H_

#include "bnn_bits.h"
#include "bnn_border.h"

namespace bnnhw {

/// Pixel by pixel: the FOLDS beats of a window for each of TILES tiles, then the next output pixel.
/// The weights are in memory, the initial values there by border pattern and tile.
template <int FOLDS, int TILES, int OUT_H, int OUT_W, int BORDER_TOP, int BORDER_BOTTOM,
          int BORDER_LEFT, int BORDER_RIGHT>
struct PixelWalk {
  static_assert(FOLDS >= 1 && TILES >= 1, "folding is positive");
  static_assert(OUT_H >= 1 && OUT_W >= 1, "the output has pixels");
  static constexpr int kBeats = OUT_H * OUT_W * TILES * FOLDS;
  BorderWalk<OUT_H, OUT_W, BORDER_TOP, BORDER_BOTTOM, BORDER_LEFT, BORDER_RIGHT> border;
  int fold = 0;         // of the window
  int tile = 0;         // of the output pixel
  int weight_word = 0;  // tile * FOLDS + fold

  /// Word of the initial values.
  int init_word() const {
#pragma HLS INLINE
    return border.pattern() * TILES + tile;
  }

  /// Whether the beat is its window's last.
  bool last() const {
#pragma HLS INLINE
    return fold == FOLDS - 1;
  }

  /// On to the next beat.
  void next() {
#pragma HLS INLINE
    if (!last()) {
      ++fold;
      ++weight_word;
      return;
    }
    fold = 0;
    if (tile == TILES - 1) {
      tile = 0;
      weight_word = 0;
      border.next();
    } else {
      ++tile;
      ++weight_word;
    }
  }
};

/// Tile by tile: the FOLDS beats of a window for each of PIXELS output pixels, then the next tile.
/// The weights come along, the initial values are in memory by tile.
template <int FOLDS, int TILES, int PIXELS>
struct TileWalk {
  static_assert(FOLDS >= 1 && TILES >= 1, "folding is positive");
  static_assert(PIXELS >= 1, "the output has pixels");
  static constexpr int kBeats = TILES * PIXELS * FOLDS;
  int fold = 0;   // of the window
  int pixel = 0;  // of the tile
  int tile = 0;

  /// Word of the initial values.
  int init_word() const {
#pragma HLS INLINE
    return tile;
  }

  /// Whether the beat is its window's last.
  bool last() const {
#pragma HLS INLINE
    return fold == FOLDS - 1;
  }

  /// On to the next beat.
  void next() {
#pragma HLS INLINE
    if (!last()) {
      ++fold;
      return;
    }
    fold = 0;
    if (pixel < PIXELS - 1) {
      ++pixel;
    } else {
      pixel = 0;
      ++tile;
    }
  }
};

/// A beat of results: the accumulators, or with BINARY_OUT=1 for each the bit acc >= 0.
template <int BINARY_OUT, int PE, int ACC_BITS>
inline ap_uint<PE * (BINARY_OUT == 1 ? 1 : ACC_BITS)> results(const ap_int<ACC_BITS> (&acc)[PE]) {
#pragma HLS INLINE
  static_assert(ACC_BITS >= 2 && ACC_BITS <= 32, "an accumulator has 2 to 32 bits");
  static_assert(BINARY_OUT == 0 || BINARY_OUT == 1, "BINARY_OUT is 0 or 1");
  constexpr int kOutBits = BINARY_OUT == 1 ? 1 : ACC_BITS;
  ap_uint<PE * kOutBits> out = 0;
  for (int p = 0; p < PE; ++p) {
#pragma HLS UNROLL
    const ap_uint<kOutBits> element =
        BINARY_OUT == 1 ? ap_uint<kOutBits>(acc[p] >= 0) : ap_uint<kOutBits>(acc[p]);
    insert<kOutBits>(out, p * kOutBits, element);
  }
  return out;
}

}  // namespace bnnhw

#endif  // BNN_WALK_H_

#ifndef BNN_WINDOW_H_
#define BNN_WINDOW_H_

#include "bnn_bits.h"
#include "bnn_storage.h"

namespace bnnhw {

/// Beats that a circular buffer must hold so that no window waits for what it overwrote: the most,
/// over all windows, from the first beat that it or a later window touches to its own last beat.
constexpr int min_window_depth(int folds, int height, int width, int kernel_h, int kernel_w,
                               int stride_h, int stride_w, int pad_top, int pad_left, int out_h,
                               int out_w) {
  int span = 0;   // columns a window covers, less one
  int right = 0;  // last column of the last window
  for (int ox = 0; ox < out_w; ++ox) {
    const int left = ox * stride_w - pad_left;
    right = min_of(left + kernel_w, width) - 1;
    span = max_of(span, right - max_of(left, 0));
  }
  int depth = 1;
  for (int oy = 0; oy < out_h; ++oy) {
    const int top = oy * stride_h - pad_top;
    const int bottom = min_of(top + kernel_h, height) - 1;
    const bool top_row_again = oy + 1 < out_h && top + stride_h <= 0;
    const int reach =
        top_row_again ? bottom * width + right : (bottom - max_of(top, 0)) * width + span;
    depth = max_of(depth, (reach + 1) * folds);
  }
  return depth;
}

/// A place in the frame, in beats, and its slot in a circular buffer of DEPTH beats: the number
/// of beats modulo DEPTH.
template <int DEPTH>
struct Place {
  int beat;
  int slot;

  /// The place BY beats further; a constant, so that nothing is divided and little is added.
  template <int BY>
  Place plus() const {
#pragma HLS INLINE
    return Place{beat + BY, wrapped(slot + BY % DEPTH)};
  }

  /// The place `by` beats further, less than DEPTH.
  Place plus(int by) const {
#pragma HLS INLINE
    return Place{beat + by, wrapped(slot + by)};
  }

  static int wrapped(int slot) {
#pragma HLS INLINE
    return slot >= DEPTH ? slot - DEPTH : slot;
  }
};

/// Line buffer and address generator.
/// In: BEATS beats of SIMD elements, HEIGHT * WIDTH * (CHANNELS / SIMD) per image, raster order.
/// Out: for each output pixel in raster order, for REPEATS times: for ky, kx, channel fold
/// (CHANNEL_OUTER=0) or for channel fold, ky, kx (CHANNEL_OUTER=1): one beat. With GROUPS, each
/// group of channel folds in turn is a window that is given REPEATS times. Taps outside the image
/// are PAD_VALUE. Where the output stream is one bit wider than its elements, that top bit marks
/// them.
template <int ELEM_BITS, int CHANNELS, int HEIGHT, int WIDTH, int KERNEL_H, int KERNEL_W,
          int STRIDE_H, int STRIDE_W, int PAD_TOP, int PAD_BOTTOM, int PAD_LEFT, int PAD_RIGHT,
          int SIMD, int REPEATS, int GROUPS, int CHANNEL_OUTER, int PAD_VALUE, int DEPTH,
          int RAM_STYLE, int OUT_BITS, int BEATS>
void bnn_window(hls::stream<ap_uint<ELEM_BITS * SIMD>>& s_axis,
                hls::stream<ap_uint<OUT_BITS>>& m_axis) {
  static_assert(ELEM_BITS >= 1 && CHANNELS >= 1 && HEIGHT >= 1 && WIDTH >= 1 && KERNEL_H >= 1 &&
                    KERNEL_W >= 1 && STRIDE_H >= 1 && STRIDE_W >= 1 && SIMD >= 1 && REPEATS >= 1,
                "sizes are positive");
  static_assert(PAD_TOP >= 0 && PAD_BOTTOM >= 0 && PAD_LEFT >= 0 && PAD_RIGHT >= 0,
                "padding is not negative");
  static_assert(
      PAD_TOP <= KERNEL_H && PAD_BOTTOM <= KERNEL_H && PAD_LEFT <= KERNEL_W &&
          PAD_RIGHT <= KERNEL_W,
      "a window at most borders on the image");
  static_assert(
      HEIGHT + PAD_TOP + PAD_BOTTOM >= KERNEL_H && WIDTH + PAD_LEFT + PAD_RIGHT >= KERNEL_W,
      "the kernel fits the padded image");
  static_assert(CHANNELS % SIMD == 0, "SIMD divides CHANNELS");
  static_assert(CHANNEL_OUTER == 0 || CHANNEL_OUTER == 1, "CHANNEL_OUTER is 0 or 1");
  static_assert(GROUPS >= 1 && CHANNELS / SIMD % GROUPS == 0 && (GROUPS == 1 || CHANNEL_OUTER == 0),
                "GROUPS divides the channel folds");
  constexpr int kBeatBits = ELEM_BITS * SIMD;
  static_assert(OUT_BITS == kBeatBits || OUT_BITS == kBeatBits + 1, "elements, and tuser or not");
  constexpr int kFolds = CHANNELS / SIMD;
  constexpr int kGroupFolds = kFolds / GROUPS;
  constexpr int kOutH = output_size(HEIGHT, KERNEL_H, STRIDE_H, PAD_TOP, PAD_BOTTOM);
  constexpr int kOutW = output_size(WIDTH, KERNEL_W, STRIDE_W, PAD_LEFT, PAD_RIGHT);
  constexpr int kBeats = HEIGHT * WIDTH * kFolds;
  static_assert(BEATS >= 1 && BEATS % kBeats == 0, "a call is a whole number of images");
  // Windows of one tap that are read once free each beat as it is read; those in padding have none.
  constexpr bool kPassing = KERNEL_H == 1 && KERNEL_W == 1 && REPEATS == 1 &&
                            PAD_TOP + PAD_BOTTOM + PAD_LEFT + PAD_RIGHT == 0;
  static_assert(
      DEPTH >= 1 && (kPassing ||
                     DEPTH >= min_window_depth(kFolds, HEIGHT, WIDTH, KERNEL_H, KERNEL_W, STRIDE_H,
                                               STRIDE_W, PAD_TOP, PAD_LEFT, kOutH, kOutW)),
      "the buffer holds a window");

  constexpr int kRow = WIDTH * kFolds;  // beats
  constexpr int kFirstTop = -PAD_TOP * kRow;
  constexpr int kFirstLeft = -PAD_LEFT * kFolds;
  constexpr int kFirst = kFirstTop + kFirstLeft;
  constexpr int kFirstSlot = (kFirst % DEPTH + DEPTH) % DEPTH;

  ap_uint<kBeatBits> pad = 0;
  for (int s = 0; s < SIMD; ++s) {
#pragma HLS UNROLL
    insert<ELEM_BITS>(pad, s * ELEM_BITS, ap_uint<ELEM_BITS>(PAD_VALUE));
  }
  // A beat is stored before it is read in the same or a later step, and overwritten only in a step
  // after its last read: no dependence pragma, the tool has to keep that order.
  ap_uint<kBeatBits> buffer[DEPTH];
  Storage<RAM_STYLE>::bind(buffer);
  int image = 0;
  int written = 0;     // beats of the image in the buffer so far
  int write_slot = 0;  // of the next beat
  bool done = false;   // all windows are out
  int out_y = 0, out_x = 0, repeat = 0, ky = 0, kx = 0;
  int fold = 0, first_fold = 0;  // of the pixel; the first of the group
  // Where the window begins, in the padding too: in rows and columns, and in beats.
  int top = -PAD_TOP, left = -PAD_LEFT;
  int top_beats = kFirstTop, left_beats = kFirstLeft;
  // The place of each level of the loop nest: what to go back to, and on from.
  Place<DEPTH> row = {kFirst, kFirstSlot};  // the output row's first window
  Place<DEPTH> window = row;                // the window's first tap
  Place<DEPTH> line = row;                  // tap (ky, 0)
  Place<DEPTH> tap = row;                   // tap (ky, kx), fold 0
  while (image < BEATS / kBeats) {
#pragma HLS PIPELINE II=1 style=flp
    // The oldest beat that this or a later window touches.
    const bool top_row_again = out_y < kOutH - 1 && top + STRIDE_H <= 0;
    const int first = max_of(top_beats, 0) + max_of(left_beats, 0) + (kPassing ? fold : 0);
    const int oldest = top_row_again ? 0 : first;
    const int y = top + ky;
    const int x = left + kx;
    const bool inside = y >= 0 && y < HEIGHT && x >= 0 && x < WIDTH;
    const bool may_write = written < kBeats && (done || written - oldest < DEPTH);
    const bool may_read = !done && (!inside || tap.beat + fold < written);
    // Input is waited for only where there is nothing else to do, so that a branch of the design
    // that lags behind cannot hold up windows that are complete.
    if (may_write && (!may_read || !s_axis.empty())) {
      buffer[write_slot] = s_axis.read();
      write_slot = Place<DEPTH>::wrapped(write_slot + 1);
      ++written;
    }
    if (may_read) {
      const int offset = kFolds <= DEPTH ? fold : fold % DEPTH;
      const ap_uint<kBeatBits> stored = buffer[tap.plus(offset).slot];
      const ap_uint<kBeatBits> beat = inside ? stored : pad;
      ap_uint<OUT_BITS> out = beat;
      if (OUT_BITS > kBeatBits) out[OUT_BITS - 1] = !inside;
      m_axis.write(out);

      const bool last_kx = kx == KERNEL_W - 1;
      const bool last_ky = ky == KERNEL_H - 1;
      const bool last_fold = fold == first_fold + kGroupFolds - 1;
      const bool last_tap = last_kx && last_ky;
      const bool next_tap = CHANNEL_OUTER == 1 || last_fold;
      if (CHANNEL_OUTER == 0 || last_tap) fold = last_fold ? first_fold : fold + 1;
      if (next_tap) {
        kx = last_kx ? 0 : kx + 1;
        if (last_kx) ky = last_ky ? 0 : ky + 1;
      }
      if (last_tap && last_fold) {  // the window is out
        if (repeat < REPEATS - 1) {
          ++repeat;
        } else if (first_fold < kFolds - kGroupFolds) {
          repeat = 0;
          first_fold += kGroupFolds;
          fold = first_fold;
        } else {
          repeat = 0;
          first_fold = fold = 0;
          if (out_x < kOutW - 1) {
            ++out_x;
            left += STRIDE_W;
            left_beats += STRIDE_W * kFolds;
            window = window.template plus<STRIDE_W * kFolds>();
          } else {
            out_x = 0;
            left = -PAD_LEFT;
            left_beats = kFirstLeft;
            row = row.template plus<STRIDE_H * kRow>();
            window = row;
            if (out_y < kOutH - 1) {
              ++out_y;
              top += STRIDE_H;
              top_beats += STRIDE_H * kRow;
            } else {
              done = true;
            }
          }
        }
        line = tap = window;
      } else if (next_tap && last_tap) {
        line = tap = window;
      } else if (next_tap && last_kx) {
        line = tap = line.template plus<kRow>();
      } else if (next_tap) {
        tap = tap.template plus<kFolds>();
      }
    }
    if (done && written == kBeats) {  // the next image begins in an empty buffer
      ++image;
      done = false;
      written = write_slot = 0;
      out_y = 0;
      top = -PAD_TOP;
      top_beats = kFirstTop;
      row = window = line = tap = Place<DEPTH>{kFirst, kFirstSlot};
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_WINDOW_H_

#ifndef BNN_WINDOW_PARALLEL_H_
#define BNN_WINDOW_PARALLEL_H_

#include "bnn_bits.h"
#include "bnn_storage.h"

namespace bnnhw {

/// Windows with SIMD spanning taps, flattened as (ky, kx, channel), channel innermost.
/// In: HEIGHT * WIDTH beats of one pixel, raster order. Out: for each output pixel in raster order,
/// for REPEATS times: KERNEL_H * KERNEL_W * CHANNELS / SIMD beats of SIMD elements. Taps outside
/// the image are PAD_VALUE. The window fills while the previous one is folded out.
template <int ELEM_BITS, int CHANNELS, int HEIGHT, int WIDTH, int KERNEL_H, int KERNEL_W,
          int STRIDE_H, int STRIDE_W, int PAD_TOP, int PAD_BOTTOM, int PAD_LEFT, int PAD_RIGHT,
          int SIMD, int REPEATS, int PAD_VALUE, int RAM_STYLE>
void bnn_window_parallel(hls::stream<ap_uint<ELEM_BITS * CHANNELS>>& s_axis,
                         hls::stream<ap_uint<ELEM_BITS * SIMD>>& m_axis) {
  static_assert(ELEM_BITS >= 1 && CHANNELS >= 1 && HEIGHT >= 1 && WIDTH >= 1 && KERNEL_H >= 1 &&
                    KERNEL_W >= 1 && STRIDE_H >= 1 && STRIDE_W >= 1 && SIMD >= 1 && REPEATS >= 1,
                "sizes are positive");
  static_assert(PAD_TOP >= 0 && PAD_BOTTOM >= 0 && PAD_LEFT >= 0 && PAD_RIGHT >= 0,
                "padding is not negative");
  static_assert(
      PAD_TOP < KERNEL_H && PAD_BOTTOM < KERNEL_H && PAD_LEFT < KERNEL_W && PAD_RIGHT < KERNEL_W,
      "a window touches the image");
  static_assert(
      HEIGHT + PAD_TOP + PAD_BOTTOM >= KERNEL_H && WIDTH + PAD_LEFT + PAD_RIGHT >= KERNEL_W,
      "the kernel fits the padded image");
  constexpr int kElements = KERNEL_H * KERNEL_W * CHANNELS;
  static_assert(kElements % SIMD == 0, "SIMD divides the window");
  constexpr int kPixelBits = ELEM_BITS * CHANNELS;
  constexpr int kFolds = kElements / SIMD;
  constexpr int kOutH = output_size(HEIGHT, KERNEL_H, STRIDE_H, PAD_TOP, PAD_BOTTOM);
  constexpr int kOutW = output_size(WIDTH, KERNEL_W, STRIDE_W, PAD_LEFT, PAD_RIGHT);
  // The padded image is scanned as far as windows or pixels reach.
  constexpr int kScanH = max_of((kOutH - 1) * STRIDE_H + KERNEL_H, PAD_TOP + HEIGHT);
  constexpr int kScanW = max_of((kOutW - 1) * STRIDE_W + KERNEL_W, PAD_LEFT + WIDTH);
  constexpr int kLines = max_of(KERNEL_H - 1, 1);

  ap_uint<kPixelBits> pad = 0;
  for (int c = 0; c < CHANNELS; ++c) {
#pragma HLS UNROLL
    insert<ELEM_BITS>(pad, c * ELEM_BITS, ap_uint<ELEM_BITS>(PAD_VALUE));
  }
  ap_uint<kPixelBits> lines[kLines][kScanW];  // the rows above, oldest first
#pragma HLS ARRAY_PARTITION variable=lines type=complete dim=1
#pragma HLS DEPENDENCE variable=lines type=inter direction=RAW distance=kScanW dependent=true
  Storage<RAM_STYLE>::bind(lines);
  ap_uint<kPixelBits> window[KERNEL_H][KERNEL_W];
#pragma HLS ARRAY_PARTITION variable=window type=complete dim=0
  ap_uint<ELEM_BITS> held[kElements];  // the window that is folded out
#pragma HLS ARRAY_PARTITION variable=held type=complete
  int scan_y = 0, scan_x = 0;      // next position of the padded image
  int window_y = 0, window_x = 0;  // scan position of the next window's last tap: its top left
  bool complete = false;           // `window` waits to be folded out
  bool folding = false;            // `held` is being folded out
  int fold = 0, repeat = 0;
  while (scan_y < kScanH || complete || folding) {
#pragma HLS PIPELINE II=1 style=flp
    if (scan_y < kScanH && !complete) {
      const bool inside = scan_y >= PAD_TOP && scan_y < PAD_TOP + HEIGHT && scan_x >= PAD_LEFT &&
                          scan_x < PAD_LEFT + WIDTH;
      ap_uint<kPixelBits> below = pad;
      if (inside) below = s_axis.read();
      for (int ky = KERNEL_H - 1; ky >= 0; --ky) {
#pragma HLS UNROLL
        for (int kx = 0; kx < KERNEL_W - 1; ++kx) {
#pragma HLS UNROLL
          window[ky][kx] = window[ky][kx + 1];
        }
        window[ky][KERNEL_W - 1] = below;
        if (ky > 0) {
          const ap_uint<kPixelBits> above = lines[max_of(ky - 1, 0)][scan_x];
          lines[max_of(ky - 1, 0)][scan_x] = below;
          below = above;
        }
      }
      // A window ends at every position that is a stride's multiple beyond the first.
      complete = scan_y == window_y + KERNEL_H - 1 && scan_x == window_x + KERNEL_W - 1 &&
                 window_x <= (kOutW - 1) * STRIDE_W && window_y <= (kOutH - 1) * STRIDE_H;
      if (complete) window_x += STRIDE_W;
      if (scan_x < kScanW - 1) {
        ++scan_x;
      } else {
        scan_x = 0;
        if (scan_y == window_y + KERNEL_H - 1) window_y += STRIDE_H;
        window_x = 0;
        ++scan_y;
      }
    }
    if (complete && !folding) {
      for (int k = 0; k < kElements; ++k) {
#pragma HLS UNROLL
        const int tap = k / CHANNELS;
        held[k] =
            extract<ELEM_BITS>(window[tap / KERNEL_W][tap % KERNEL_W], (k % CHANNELS) * ELEM_BITS);
      }
      complete = false;
      folding = true;
    }
    if (folding) {
      ap_uint<ELEM_BITS * SIMD> out = 0;
      for (int s = 0; s < SIMD; ++s) {
#pragma HLS UNROLL
        insert<ELEM_BITS>(out, s * ELEM_BITS, held[fold * SIMD + s]);
      }
      m_axis.write(out);
      if (fold < kFolds - 1) {
        ++fold;
      } else {
        fold = 0;
        if (repeat < REPEATS - 1) {
          ++repeat;
        } else {
          repeat = 0;
          folding = false;
        }
      }
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_WINDOW_PARALLEL_H_

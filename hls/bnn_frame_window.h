#ifndef BNN_FRAME_WINDOW_H_
#define BNN_FRAME_WINDOW_H_

#include "bnn_bits.h"
#include "bnn_storage.h"

namespace bnnhw {

/// Frame buffer and address generator: all windows of a frame, PASSES times.
/// In: BEATS beats of IN_LANES elements, HEIGHT * WIDTH * (CHANNELS / IN_LANES) per image, in
/// raster order with channels innermost, or (TILE_MAJOR) IN_LANES channels of all pixels after
/// IN_LANES channels of all pixels. Out: for each pass, for each output pixel in raster order, for
/// ky, kx, channel fold: one beat of SIMD elements. Of the passes the first PASSES / GROUPS play the
/// first CHANNELS / GROUPS channels, and so on. Taps outside the image are PAD_VALUE. Where the
/// output stream is one bit wider than its elements, that top bit marks them.
template <int ELEM_BITS, int CHANNELS, int HEIGHT, int WIDTH, int KERNEL_H, int KERNEL_W,
          int STRIDE_H, int STRIDE_W, int PAD_TOP, int PAD_BOTTOM, int PAD_LEFT, int PAD_RIGHT,
          int SIMD, int PASSES, int GROUPS, int IN_LANES, int TILE_MAJOR, int PAD_VALUE,
          int RAM_STYLE, int OUT_BITS, int BEATS>
void bnn_frame_window(hls::stream<ap_uint<ELEM_BITS * IN_LANES>>& s_axis,
                      hls::stream<ap_uint<OUT_BITS>>& m_axis) {
  static_assert(ELEM_BITS >= 1 && CHANNELS >= 1 && HEIGHT >= 1 && WIDTH >= 1 && KERNEL_H >= 1 &&
                    KERNEL_W >= 1 && STRIDE_H >= 1 && STRIDE_W >= 1 && SIMD >= 1 && PASSES >= 1,
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
  static_assert(GROUPS >= 1 && CHANNELS % (GROUPS * SIMD) == 0,
                "SIMD divides the channels of a group");
  static_assert(PASSES % GROUPS == 0, "all groups have as many passes");
  static_assert(IN_LANES >= 1 && SIMD % IN_LANES == 0, "IN_LANES divides SIMD");
  static_assert(TILE_MAJOR == 0 || TILE_MAJOR == 1, "TILE_MAJOR is 0 or 1");
  constexpr int kBeatBits = ELEM_BITS * SIMD;
  static_assert(OUT_BITS == kBeatBits || OUT_BITS == kBeatBits + 1, "elements, and tuser or not");
  constexpr int kInBits = ELEM_BITS * IN_LANES;
  constexpr int kWords = CHANNELS / SIMD;  // of a pixel
  constexpr int kFolds = kWords / GROUPS;  // of a pixel, those of a group
  constexpr int kColumns = SIMD / IN_LANES;
  constexpr int kPixels = HEIGHT * WIDTH;
  constexpr int kOutH = output_size(HEIGHT, KERNEL_H, STRIDE_H, PAD_TOP, PAD_BOTTOM);
  constexpr int kOutW = output_size(WIDTH, KERNEL_W, STRIDE_W, PAD_LEFT, PAD_RIGHT);
  constexpr int kBeatsIn = kPixels * kWords * kColumns;
  static_assert(BEATS >= 1 && BEATS % kBeatsIn == 0, "a call is a whole number of images");
  constexpr int kBeatsOut = PASSES * kOutH * kOutW * KERNEL_H * KERNEL_W * kFolds;

  ap_uint<kBeatBits> pad = 0;
  for (int s = 0; s < SIMD; ++s) {
#pragma HLS UNROLL
    insert<ELEM_BITS>(pad, s * ELEM_BITS, ap_uint<ELEM_BITS>(PAD_VALUE));
  }
  // The whole frame is stored before any of it is read.
  ap_uint<kInBits> buffer[kColumns][kPixels * kWords];
#pragma HLS ARRAY_PARTITION variable=buffer type=complete dim=1
  Storage<RAM_STYLE>::bind(buffer);
  int pixel = 0, fold_in = 0, column = 0;  // of the beat that comes next
  int group = 0, pass = 0, out_y = 0, out_x = 0, ky = 0, kx = 0, fold = 0;
  int step = 0;  // of the image
  for (int all = 0; all < BEATS / kBeatsIn * (kBeatsIn + kBeatsOut); ++all) {
#pragma HLS PIPELINE II=1 style=flp
    if (step < kBeatsIn) {
      buffer[column][pixel * kWords + fold_in] = s_axis.read();
      const bool last_pixel = pixel == kPixels - 1;
      const bool next_column = TILE_MAJOR == 0 || last_pixel;
      const bool next_fold = next_column && column == kColumns - 1;
      const bool next_pixel = TILE_MAJOR == 1 || (next_fold && fold_in == kWords - 1);
      if (next_column) column = column == kColumns - 1 ? 0 : column + 1;
      if (next_fold) fold_in = fold_in == kWords - 1 ? 0 : fold_in + 1;
      if (next_pixel) pixel = last_pixel ? 0 : pixel + 1;
    } else {
      const int y = out_y * STRIDE_H - PAD_TOP + ky;
      const int x = out_x * STRIDE_W - PAD_LEFT + kx;
      const bool inside = y >= 0 && y < HEIGHT && x >= 0 && x < WIDTH;
      const int word = inside ? (y * WIDTH + x) * kWords + group * kFolds + fold : 0;
      ap_uint<kBeatBits> beat = pad;
      for (int c = 0; c < kColumns; ++c) {
#pragma HLS UNROLL
        if (inside) insert<kInBits>(beat, c * kInBits, buffer[c][word]);
      }
      ap_uint<OUT_BITS> out = beat;
      if (OUT_BITS > kBeatBits) out[OUT_BITS - 1] = !inside;
      m_axis.write(out);

      const bool last_fold = fold == kFolds - 1;
      const bool last_kx = last_fold && kx == KERNEL_W - 1;
      const bool last_ky = last_kx && ky == KERNEL_H - 1;
      const bool last_x = last_ky && out_x == kOutW - 1;
      fold = last_fold ? 0 : fold + 1;
      if (last_fold) kx = last_kx ? 0 : kx + 1;
      if (last_kx) ky = last_ky ? 0 : ky + 1;
      if (last_ky) out_x = last_x ? 0 : out_x + 1;
      const bool last_y = last_x && out_y == kOutH - 1;
      const bool last_pass = last_y && pass == PASSES / GROUPS - 1;
      if (last_x) out_y = last_y ? 0 : out_y + 1;
      if (last_y) pass = last_pass ? 0 : pass + 1;
      if (last_pass) group = group == GROUPS - 1 ? 0 : group + 1;
    }
    step = step == kBeatsIn + kBeatsOut - 1 ? 0 : step + 1;
  }
}

}  // namespace bnnhw

#endif  // BNN_FRAME_WINDOW_H_

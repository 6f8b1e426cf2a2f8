#ifndef BNN_MAX_POOL_H_
#define BNN_MAX_POOL_H_

#include "bnn_bits.h"

namespace bnnhw {

/// Max pool on bits where the stride is the kernel; channels flagged in `minimum` take the minimum.
/// In: BEATS beats of LANES bits, HEIGHT * WIDTH * (CHANNELS / LANES) per image; with TILES > 1
/// each tile of channels is an image, TILES of them one after another.
/// Out, per image: (HEIGHT / POOL_H) * (WIDTH / POOL_W) * (CHANNELS / LANES) beats; what is left
/// over at the bottom and right is dropped.
template <int CHANNELS, int LANES, int HEIGHT, int WIDTH, int POOL_H, int POOL_W, int TILES,
          int BEATS>
void bnn_max_pool(hls::stream<ap_uint<LANES>>& s_axis, hls::stream<ap_uint<LANES>>& m_axis,
                  const ap_uint<LANES> (&minimum)[CHANNELS / LANES * TILES]) {
  static_assert(LANES >= 1 && CHANNELS >= 1 && CHANNELS % LANES == 0, "LANES divides CHANNELS");
  static_assert(POOL_H >= 1 && POOL_W >= 1, "a pool has at least one element");
  static_assert(POOL_H <= HEIGHT && POOL_W <= WIDTH, "the pool fits the image");
  constexpr int kFolds = CHANNELS / LANES;
  constexpr int kOutHeight = HEIGHT / POOL_H;
  constexpr int kOutWidth = WIDTH / POOL_W;
  constexpr int kRowBeats = WIDTH * kFolds;
  constexpr int kBeats = HEIGHT * kRowBeats;
  static_assert(TILES == 1 || (TILES > 1 && CHANNELS == LANES), "a beat is a tile's pixel");
  static_assert(BEATS >= 1 && BEATS % (kBeats * TILES) == 0, "a call is a whole number of images");

  // A pool of minima is an OR of inverted bits, inverted back at the end. An entry of `across` is
  // the OR along the row so far, one of `down` that of the rows above.
  ap_uint<LANES> across[kFolds];
#pragma HLS DEPENDENCE variable=across type=inter direction=RAW distance=kFolds dependent=true
  ap_uint<LANES> down[kOutWidth * kFolds];
#pragma HLS DEPENDENCE variable=down type=inter direction=RAW distance=kRowBeats dependent=true
  int fold = 0;    // of the pixel
  int in_x = 0;    // in the input
  int in_y = 0;    // in the input
  int x = 0;       // in the pool
  int y = 0;       // in the pool
  int column = 0;  // of the output
  int row = 0;     // of the output
  int tile = 0;
  for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<LANES> flip = minimum[TILES > 1 ? tile : fold];
    ap_uint<LANES> bits = s_axis.read() ^ flip;
    if (column < kOutWidth && row < kOutHeight) {
      if (x != 0) bits |= across[fold];
      across[fold] = bits;
      if (x == POOL_W - 1) {
        const int slot = column * kFolds + fold;
        if (y != 0) bits |= down[slot];
        down[slot] = bits;
        if (y == POOL_H - 1) m_axis.write(bits ^ flip);
      }
    }
    if (fold < kFolds - 1) {
      ++fold;
    } else {
      fold = 0;
      if (in_x < WIDTH - 1) {
        ++in_x;
        if (x < POOL_W - 1) {
          ++x;
        } else {
          x = 0;
          ++column;
        }
      } else {
        in_x = x = column = 0;
        if (in_y == HEIGHT - 1) {
          in_y = y = row = 0;
          tile = tile == TILES - 1 ? 0 : tile + 1;
        } else if (y < POOL_H - 1) {
          ++in_y;
          ++y;
        } else {
          y = 0;
          ++in_y;
          ++row;
        }
      }
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_MAX_POOL_H_

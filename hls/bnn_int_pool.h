#ifndef BNN_INT_POOL_H_
#define BNN_INT_POOL_H_

#include "bnn_bits.h"
#include "bnn_pool_step.h"

namespace bnnhw {

/// Maximum (OPERATION 0) or sum (1) pool of integers where the stride is the kernel.
/// In: BEATS beats of LANES elements of ELEM_BITS, HEIGHT * WIDTH * (CHANNELS / LANES) per image.
/// Out, per image: (HEIGHT / POOL_H) * (WIDTH / POOL_W) * (CHANNELS / LANES) beats of LANES
/// elements of OUT_BITS; what is left over at the bottom and right is dropped.
template <int OPERATION, int ELEM_BITS, int SIGNED, int OUT_BITS, int CHANNELS, int LANES,
          int HEIGHT, int WIDTH, int POOL_H, int POOL_W, int BEATS>
void bnn_int_pool(hls::stream<ap_uint<ELEM_BITS * LANES>>& s_axis,
                  hls::stream<ap_uint<OUT_BITS * LANES>>& m_axis) {
  static_assert(OPERATION == 0 || OPERATION == 1, "OPERATION is 0 or 1");
  static_assert(SIGNED == 0 || SIGNED == 1, "SIGNED is 0 or 1");
  static_assert(LANES >= 1 && CHANNELS >= 1 && CHANNELS % LANES == 0, "LANES divides CHANNELS");
  static_assert(POOL_H >= 1 && POOL_W >= 1, "a pool has at least one element");
  static_assert(POOL_H <= HEIGHT && POOL_W <= WIDTH, "the pool fits the image");
  static_assert(ELEM_BITS >= 1 && OUT_BITS >= ELEM_BITS, "a result has the bits of an element");
  static_assert(OPERATION == 1 || OUT_BITS == ELEM_BITS, "a maximum has the bits of an element");
  constexpr int kFolds = CHANNELS / LANES;
  constexpr int kOutHeight = HEIGHT / POOL_H;
  constexpr int kOutWidth = WIDTH / POOL_W;
  constexpr int kRowBeats = WIDTH * kFolds;
  constexpr int kBeats = HEIGHT * kRowBeats;
  static_assert(BEATS >= 1 && BEATS % kBeats == 0, "a call is a whole number of images");

  // An entry of `across` is the result along the row so far, one of `down` that of the rows above.
  ap_uint<OUT_BITS * LANES> across[kFolds];
#pragma HLS DEPENDENCE variable=across type=inter direction=RAW distance=kFolds dependent=true
  ap_uint<OUT_BITS * LANES> down[kOutWidth * kFolds];
#pragma HLS DEPENDENCE variable=down type=inter direction=RAW distance=kRowBeats dependent=true
  int fold = 0;    // of the pixel
  int in_x = 0;    // in the input
  int in_y = 0;    // in the input
  int x = 0;       // in the pool
  int y = 0;       // in the pool
  int column = 0;  // of the output
  int row = 0;     // of the output
  for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    ap_uint<OUT_BITS * LANES> result =
        widen<ELEM_BITS, SIGNED == 1, OUT_BITS, LANES>(s_axis.read());
    if (column < kOutWidth && row < kOutHeight) {
      if (x != 0) result = pool_step<OPERATION, SIGNED == 1, OUT_BITS, LANES>(result, across[fold]);
      across[fold] = result;
      if (x == POOL_W - 1) {
        const int slot = column * kFolds + fold;
        if (y != 0) result = pool_step<OPERATION, SIGNED == 1, OUT_BITS, LANES>(result, down[slot]);
        down[slot] = result;
        if (y == POOL_H - 1) m_axis.write(result);
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

#endif  // BNN_INT_POOL_H_

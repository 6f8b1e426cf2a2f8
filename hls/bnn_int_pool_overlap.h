#ifndef BNN_INT_POOL_OVERLAP_H_
#define BNN_INT_POOL_OVERLAP_H_

#include "bnn_bits.h"
#include "bnn_int_pool_axis.h"
#include "bnn_pool_step.h"
#include "bnn_storage.h"

namespace bnnhw {

/// Maximum (OPERATION 0) or sum (1) pool of integers whose windows overlap, leave gaps or reach
/// into padding, which counts for nothing; the kernel is at most twice the stride.
/// In: BEATS beats of LANES elements of ELEM_BITS, HEIGHT * WIDTH * (CHANNELS / LANES) per image.
/// Out: a beat of LANES elements of OUT_BITS for each window and fold of channels, in raster order.
template <int OPERATION, int ELEM_BITS, int SIGNED, int OUT_BITS, int CHANNELS, int LANES,
          int HEIGHT, int WIDTH, int KERNEL_H, int KERNEL_W, int STRIDE_H, int STRIDE_W,
          int PAD_TOP, int PAD_BOTTOM, int PAD_LEFT, int PAD_RIGHT, int RAM_STYLE, int BEATS>
void bnn_int_pool_overlap(hls::stream<ap_uint<ELEM_BITS * LANES>>& s_axis,
                          hls::stream<ap_uint<OUT_BITS * LANES>>& m_axis) {
  static_assert(OPERATION == 0 || OPERATION == 1, "OPERATION is 0 or 1");
  static_assert(SIGNED == 0 || SIGNED == 1, "SIGNED is 0 or 1");
  static_assert(LANES >= 1 && CHANNELS >= 1 && CHANNELS % LANES == 0, "LANES divides CHANNELS");
  static_assert(ELEM_BITS >= 1 && OUT_BITS >= ELEM_BITS, "a result has the bits of an element");
  static_assert(OPERATION == 1 || OUT_BITS == ELEM_BITS, "a maximum has the bits of an element");
  using Columns = PoolAxis<WIDTH, KERNEL_W, STRIDE_W, PAD_LEFT, PAD_RIGHT>;
  using Rows = PoolAxis<HEIGHT, KERNEL_H, STRIDE_H, PAD_TOP, PAD_BOTTOM>;
  constexpr int kFolds = CHANNELS / LANES;
  constexpr int kRowBeats = WIDTH * kFolds;
  constexpr int kBeats = HEIGHT * kRowBeats;
  static_assert(BEATS >= 1 && BEATS % kBeats == 0, "a call is a whole number of images");
  constexpr int kWidth = OUT_BITS * LANES;
  constexpr int kAcross = (Columns::kOverlap > 1 ? 2 : 1) * kWidth;
  constexpr int kDown = (Rows::kOverlap > 1 ? 2 : 1) * kWidth;

  // An entry of `across` is the state along the row, one of `down` that of the rows' results.
  ap_uint<kAcross> across[kFolds];
#pragma HLS DEPENDENCE variable=across type=inter direction=RAW distance=kFolds dependent=true
  ap_uint<kDown> down[Columns::kOutputs * kFolds];
  Storage<RAM_STYLE>::bind(down);
#pragma HLS DEPENDENCE variable=down type=inter direction=RAW distance=kRowBeats dependent=true
  Columns x;
  Rows y;
  int fold = 0;  // of the pixel
  int slot = 0;  // of the row of results
  for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<kWidth> in = widen<ELEM_BITS, SIGNED == 1, OUT_BITS, LANES>(s_axis.read());
    const ap_uint<kWidth> row =
        x.template take<OPERATION, SIGNED == 1, OUT_BITS, LANES>(in, across[fold]);
    if (x.complete()) {
      const ap_uint<kWidth> result =
          y.template take<OPERATION, SIGNED == 1, OUT_BITS, LANES>(row, down[slot]);
      if (y.complete()) m_axis.write(result);
      ++slot;
    }
    if (fold < kFolds - 1) {
      ++fold;
    } else {
      fold = 0;
      if (x.advance()) {
        slot = 0;
        y.advance();
      }
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_INT_POOL_OVERLAP_H_

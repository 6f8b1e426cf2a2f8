#ifndef BNN_CHANNEL_SUM_H_
#define BNN_CHANNEL_SUM_H_

#include "bnn_bits.h"

namespace bnnhw {

/// Adds up all channels of each pixel.
/// In: BEATS beats of LANES elements of IN_BITS, FOLDS beats per pixel. Out: BEATS / FOLDS elements
/// of OUT_BITS.
template <int IN_BITS, int IN_SIGNED, int OUT_BITS, int LANES, int FOLDS, int BEATS>
void bnn_channel_sum(hls::stream<ap_uint<IN_BITS * LANES>>& s_axis,
                     hls::stream<ap_uint<OUT_BITS>>& m_axis) {
  static_assert(IN_BITS >= 1 && LANES >= 1 && FOLDS >= 1, "widths and counts are positive");
  static_assert(IN_SIGNED == 0 || IN_SIGNED == 1, "IN_SIGNED is 0 or 1");
  static_assert(OUT_BITS >= IN_BITS, "a sum has the bits of an element");
  static_assert(BEATS >= 1 && BEATS % FOLDS == 0, "a frame is a whole number of pixels");
  ap_int<OUT_BITS + 1> total = 0;
  int fold = 0;  // of the pixel
  for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<IN_BITS * LANES> in = s_axis.read();
    ap_int<OUT_BITS + 1> sum = 0;
    for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
      sum += number<IN_SIGNED == 1>(extract<IN_BITS>(in, lane * IN_BITS));
    }
    if (fold == 0) total = 0;
    total += sum;
    if (fold == FOLDS - 1) {
      m_axis.write(ap_uint<OUT_BITS>(total));
      fold = 0;
    } else {
      ++fold;
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_CHANNEL_SUM_H_

#ifndef BNN_ADD_H_
#define BNN_ADD_H_

#include "bnn_bits.h"

namespace bnnhw {

/// Adds two streams element by element and saturates, all two's complement.
/// In: BEATS beats of LANES elements of IN_BITS on each side. Out: BEATS beats of LANES elements of
/// OUT_BITS.
template <int IN_BITS, int OUT_BITS, int LANES, int BEATS>
void bnn_add(hls::stream<ap_uint<IN_BITS * LANES>>& s0_axis,
             hls::stream<ap_uint<IN_BITS * LANES>>& s1_axis,
             hls::stream<ap_uint<OUT_BITS * LANES>>& m_axis) {
  static_assert(IN_BITS >= 1 && OUT_BITS >= 1, "elements have bits");
  static_assert(LANES >= 1 && BEATS >= 1, "widths and counts are positive");
  // One bit wider than sum and limits, which then compare as numbers.
  constexpr int kBits = max_of(IN_BITS + 1, OUT_BITS) + 1;
  ap_int<kBits> most = 0;
  for (int bit = 0; bit < OUT_BITS - 1; ++bit) {
#pragma HLS UNROLL
    most[bit] = 1;
  }
  const ap_int<kBits> least = ~most;
  for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<IN_BITS * LANES> a = s0_axis.read();
    const ap_uint<IN_BITS * LANES> b = s1_axis.read();
    ap_uint<OUT_BITS * LANES> out = 0;
    for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
      ap_int<kBits> sum = number<true>(extract<IN_BITS>(a, lane * IN_BITS)) +
                          number<true>(extract<IN_BITS>(b, lane * IN_BITS));
      if (sum > most) sum = most;
      if (sum < least) sum = least;
      insert<OUT_BITS>(out, lane * OUT_BITS, ap_uint<OUT_BITS>(sum));
    }
    m_axis.write(out);
  }
}

}  // namespace bnnhw

#endif  // BNN_ADD_H_

#ifndef BNN_TABLE_H_
#define BNN_TABLE_H_

#include "bnn_bits.h"

namespace bnnhw {

/// Any function of one element: OUT_BITS bits for each of the 2^IN_BITS values.
/// In: BEATS beats of LANES elements of IN_BITS. Out: BEATS beats of LANES elements of OUT_BITS.
template <int IN_BITS, int OUT_BITS, int LANES, int BEATS>
void bnn_table(hls::stream<ap_uint<IN_BITS * LANES>>& s_axis,
               hls::stream<ap_uint<OUT_BITS * LANES>>& m_axis,
               const ap_uint<OUT_BITS> (&table)[1 << IN_BITS]) {
  static_assert(IN_BITS >= 1 && IN_BITS <= 8, "a table has at most 256 words");
  static_assert(OUT_BITS >= 1 && LANES >= 1 && BEATS >= 1, "widths and counts are positive");
  for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<IN_BITS * LANES> in = s_axis.read();
    ap_uint<OUT_BITS * LANES> out = 0;
    for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
      const ap_uint<IN_BITS> x = extract<IN_BITS>(in, lane * IN_BITS);
      insert<OUT_BITS>(out, lane * OUT_BITS, table[x.to_uint()]);
    }
    m_axis.write(out);
  }
}

}  // namespace bnnhw

#endif  // BNN_TABLE_H_

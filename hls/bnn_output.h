#ifndef BNN_OUTPUT_H_
#define BNN_OUTPUT_H_

#include "bnn_axis.h"

namespace bnnhw {

/// Sign-extends LANES scores of ELEM_BITS a beat to FIELD_BITS each, and adds tlast.
/// In and out: FRAME_BEATS beats.
template <int ELEM_BITS, int LANES, int FIELD_BITS, int FRAME_BEATS>
void bnn_output(hls::stream<ap_uint<ELEM_BITS * LANES>>& s_axis,
                hls::stream<AxisBeat<FIELD_BITS * LANES>>& m_axis) {
  static_assert(ELEM_BITS >= 1 && LANES >= 1 && FRAME_BEATS >= 1, "widths and counts are positive");
  static_assert(ELEM_BITS <= FIELD_BITS, "a score fits its field");
  static_assert(FIELD_BITS % 8 == 0, "a field is a whole number of bytes");
  for (int beat = 0; beat < FRAME_BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<ELEM_BITS * LANES> in = s_axis.read();
    ap_uint<FIELD_BITS * LANES> data = 0;
    for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
      const ap_int<ELEM_BITS> score = extract<ELEM_BITS>(in, lane * ELEM_BITS);
      insert<FIELD_BITS>(data, lane * FIELD_BITS, ap_uint<FIELD_BITS>(score));
    }
    AxisBeat<FIELD_BITS * LANES> out;
    out.data = data;
    out.keep = -1;
    out.strb = -1;
    out.last = beat == FRAME_BEATS - 1;
    m_axis.write(out);
  }
}

}  // namespace bnnhw

#endif  // BNN_OUTPUT_H_

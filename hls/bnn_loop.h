#ifndef BNN_LOOP_H_
#define BNN_LOOP_H_

#include "bnn_bits.h"

namespace bnnhw {

/// What a pass of a loop begins with: in the first pass BEATS beats from outside, else those that came
/// back.
template <int BITS, int BEATS>
void bnn_loop_start(bool first, hls::stream<ap_uint<BITS>>& s_axis,
                    hls::stream<ap_uint<BITS>>& back, hls::stream<ap_uint<BITS>>& m_axis) {
  static_assert(BITS >= 1 && BEATS >= 1, "a frame has beats");
  for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    m_axis.write(first ? s_axis.read() : back.read());
  }
}

/// Where a pass of a loop ends: BEATS beats go back, or after the last pass out.
template <int BITS, int BEATS>
void bnn_loop_end(bool last, hls::stream<ap_uint<BITS>>& s_axis, hls::stream<ap_uint<BITS>>& back,
                  hls::stream<ap_uint<BITS>>& m_axis) {
  static_assert(BITS >= 1 && BEATS >= 1, "a frame has beats");
  for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<BITS> data = s_axis.read();
    if (last) {
      m_axis.write(data);
    } else {
      back.write(data);
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_LOOP_H_

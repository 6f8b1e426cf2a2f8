#ifndef BNN_FORK_H_
#define BNN_FORK_H_

#include "bnn_bits.h"

namespace bnnhw {

/// Copies BEATS beats of WIDTH bits to two streams.
template <int WIDTH, int BEATS>
void bnn_fork(hls::stream<ap_uint<WIDTH>>& s_axis, hls::stream<ap_uint<WIDTH>>& m0_axis,
              hls::stream<ap_uint<WIDTH>>& m1_axis) {
  static_assert(WIDTH >= 1 && BEATS >= 1, "widths and counts are positive");
  for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<WIDTH> in = s_axis.read();
    m0_axis.write(in);
    m1_axis.write(in);
  }
}

}  // namespace bnnhw

#endif  // BNN_FORK_H_

#ifndef BNN_WIDTH_CONVERTER_H_
#define BNN_WIDTH_CONVERTER_H_

#include "bnn_bits.h"

namespace bnnhw {

/// Regroups elements of ELEM_BITS from IN_LANES to OUT_LANES a beat, any ratio.
/// In: BEATS beats, element 0 lowest. Out: BEATS * IN_LANES / OUT_LANES beats.
template <int ELEM_BITS, int IN_LANES, int OUT_LANES, int BEATS>
void bnn_width_converter(hls::stream<ap_uint<ELEM_BITS * IN_LANES>>& s_axis,
                         hls::stream<ap_uint<ELEM_BITS * OUT_LANES>>& m_axis) {
  static_assert(ELEM_BITS >= 1 && IN_LANES >= 1 && OUT_LANES >= 1 && BEATS >= 1,
                "widths and counts are positive");
  static_assert((static_cast<long long>(BEATS) * IN_LANES) % OUT_LANES == 0,
                "a frame is a whole number of output beats");
  constexpr int kInBits = ELEM_BITS * IN_LANES;
  constexpr int kOutBits = ELEM_BITS * OUT_LANES;
  constexpr int kOutBeats = static_cast<int>(static_cast<long long>(BEATS) * IN_LANES / OUT_LANES);
  constexpr int kSteps = max_of(BEATS, kOutBeats);

  // Invariant: `held` has `filled` elements in its low bits, fewer than the wider side at the start
  // of a step. The wider side moves when it can, the narrower one on every step.
  ap_uint<kInBits + kOutBits> held = 0;
  int filled = 0;
  for (int step = 0; step < kSteps; ++step) {
#pragma HLS PIPELINE II=1 style=flp
    if (filled < OUT_LANES) {
      insert<kInBits>(held, filled * ELEM_BITS, s_axis.read());
      filled += IN_LANES;
    }
    if (filled >= OUT_LANES) {
      m_axis.write(extract<kOutBits>(held, 0));
      held >>= kOutBits;
      filled -= OUT_LANES;
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_WIDTH_CONVERTER_H_

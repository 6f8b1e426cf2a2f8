#ifndef BNN_INPUT_H_
#define BNN_INPUT_H_

#include "bnn_axis.h"

namespace bnnhw {

/// From the AXI4-Stream of the design to LANES elements of ELEM_BITS a beat.
/// In: a packet of FRAME_ELEMS * ELEM_BITS / (8 * BYTES) beats, elements packed without gaps, the
/// last one with tlast. Out: FRAME_ELEMS / LANES beats, whatever the packet's length: one that ends
/// early is filled up with zeros (bit 0 of `error`), of one that goes on the rest is dropped (bit 1).
template <int BYTES, int ELEM_BITS, int LANES, int FRAME_ELEMS>
void bnn_input(hls::stream<AxisBeat<8 * BYTES>>& s_axis,
               hls::stream<ap_uint<ELEM_BITS * LANES>>& m_axis, ap_uint<2>& error) {
  static_assert(BYTES >= 1 && ELEM_BITS >= 1 && LANES >= 1 && FRAME_ELEMS >= 1,
                "widths and counts are positive");
  static_assert(FRAME_ELEMS % LANES == 0, "a frame is a whole number of output beats");
  static_assert((static_cast<long long>(FRAME_ELEMS) * ELEM_BITS) % (8 * BYTES) == 0,
                "a frame is a whole number of input beats");
  constexpr int kInBits = 8 * BYTES;
  constexpr int kOutBits = ELEM_BITS * LANES;
  constexpr int kInBeats =
      static_cast<int>(static_cast<long long>(FRAME_ELEMS) * ELEM_BITS / kInBits);
  constexpr int kOutBeats = FRAME_ELEMS / LANES;
  constexpr int kSteps = max_of(kInBeats, kOutBeats);

  // Invariant: as in bnn_width_converter, counted in bits.
  ap_uint<kInBits + kOutBits> held = 0;
  ap_uint<1> ended = 0;  // tlast has come
  ap_uint<2> found = 0;
  int filled = 0;
  int beat = 0;
  for (int step = 0; step < kSteps; ++step) {
#pragma HLS PIPELINE II=1 style=flp
    if (filled < kOutBits) {
      ap_uint<kInBits> data = 0;
      ++beat;
      if (ended == 0) {
        const AxisBeat<kInBits> in = s_axis.read();
        data = in.data;
        ended = in.last;
        if (in.last == 1 && beat != kInBeats) found[0] = 1;
      }
      insert<kInBits>(held, filled, data);
      filled += kInBits;
    }
    if (filled >= kOutBits) {
      m_axis.write(extract<kOutBits>(held, 0));
      held >>= kOutBits;
      filled -= kOutBits;
    }
  }
  while (ended == 0) {
#pragma HLS PIPELINE II=1 style=flp
    const AxisBeat<kInBits> in = s_axis.read();
    ended = in.last;
    found[1] = 1;
  }
  error = found;
}

}  // namespace bnnhw

#endif  // BNN_INPUT_H_

#ifndef BNN_STREAM_THRESHOLD_H_
#define BNN_STREAM_THRESHOLD_H_

#include "bnn_threshold.h"

namespace bnnhw {

/// bnn_threshold with its thresholds from a stream, tile by tile.
/// In: BEATS words of WORD_BITS, each for HOLD beats of LANES numbers of IN_BITS; a word has a field per
/// lane in its low bits. Out: a beat of LANES bits for each. Fields as in bnn_threshold.
template <int IN_BITS, int IN_SIGNED, int LANES, int HOLD, int WORD_BITS, int BEATS>
void bnn_stream_threshold(hls::stream<ap_uint<IN_BITS * LANES>>& s_axis,
                          hls::stream<ap_uint<WORD_BITS>>& p_axis,
                          hls::stream<ap_uint<LANES>>& m_axis) {
  constexpr int kFieldBits = IN_BITS + 2;
  static_assert(IN_BITS >= 1 && LANES >= 1 && HOLD >= 1 && BEATS >= 1,
                "widths and counts are positive");
  static_assert(WORD_BITS >= LANES * kFieldBits, "a word holds a field per lane");
  ap_uint<WORD_BITS> word = 0;
  int held = 0;  // beats of the word
  for (int beat = 0; beat < BEATS * HOLD; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    if (held == 0) word = p_axis.read();
    const ap_uint<IN_BITS * LANES> in = s_axis.read();
    ap_uint<LANES> bits = 0;
    for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
      bits[lane] =
          threshold_bit<IN_BITS, IN_SIGNED>(extract<IN_BITS>(in, lane * IN_BITS),
                                            extract<kFieldBits>(word, lane * kFieldBits));
    }
    m_axis.write(bits);
    held = held == HOLD - 1 ? 0 : held + 1;
  }
}

}  // namespace bnnhw

#endif  // BNN_STREAM_THRESHOLD_H_

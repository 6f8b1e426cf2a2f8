#ifndef BNN_STREAM_AFFINE_H_
#define BNN_STREAM_AFFINE_H_

#include "bnn_affine.h"

namespace bnnhw {

/// bnn_affine with its parameters from a stream, tile by tile.
/// In: BEATS words of WORD_BITS, each for HOLD beats of LANES numbers of IN_BITS; a word has a field per
/// lane in its low bits. Out: a beat of LANES numbers of OUT_BITS for each. Fields as in bnn_affine.
template <int IN_BITS, int IN_SIGNED, int OUT_BITS, int OUT_SIGNED, int LANES, int HOLD,
          int WORD_BITS, int SHIFT, int MULTIPLIER_BITS, int OFFSET_BITS, int OFFSET_SHIFT,
          int OFFSET_LOW, int SEGMENTS, int MULTIPLY_STYLE, int BEATS>
void bnn_stream_affine(hls::stream<ap_uint<IN_BITS * LANES>>& s_axis,
                       hls::stream<ap_uint<WORD_BITS>>& p_axis,
                       hls::stream<ap_uint<OUT_BITS * LANES>>& m_axis) {
  constexpr int kFieldBits = affine_field_bits(IN_BITS, MULTIPLIER_BITS, OFFSET_BITS, SEGMENTS);
  static_assert(IN_BITS >= 1 && OUT_BITS >= 1 && LANES >= 1 && HOLD >= 1 && BEATS >= 1,
                "widths and counts are positive");
  static_assert(WORD_BITS >= LANES * kFieldBits, "a word holds a field per lane");
  ap_uint<WORD_BITS> word = 0;
  int held = 0;  // beats of the word
  for (int beat = 0; beat < BEATS * HOLD; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    if (held == 0) word = p_axis.read();
    const ap_uint<IN_BITS * LANES> in = s_axis.read();
    ap_uint<OUT_BITS * LANES> out = 0;
    for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
      const ap_uint<OUT_BITS> y =
          affine_value<IN_BITS, IN_SIGNED, OUT_BITS, OUT_SIGNED, SHIFT, MULTIPLIER_BITS,
                       OFFSET_BITS, OFFSET_SHIFT, OFFSET_LOW, SEGMENTS, MULTIPLY_STYLE>(
              extract<IN_BITS>(in, lane * IN_BITS), extract<kFieldBits>(word, lane * kFieldBits));
      insert<OUT_BITS>(out, lane * OUT_BITS, y);
    }
    m_axis.write(out);
    held = held == HOLD - 1 ? 0 : held + 1;
  }
}

}  // namespace bnnhw

#endif  // BNN_STREAM_AFFINE_H_

#ifndef BNN_SCALE_H_
#define BNN_SCALE_H_

#include "bnn_bits.h"
#include "bnn_multiply.h"

namespace bnnhw {

/// Multiplies a stream by factors that come in another.
/// In: LANES elements of IN_BITS per beat on the first side; on the second BEATS beats of FACTORS
/// elements of FACTOR_BITS, one for all lanes or one for each. DEPTH beats of these meet as many of
/// the first, are kept, and serve ROUNDS times in all. Out: LANES products of OUT_BITS per beat.
template <int IN_BITS, int IN_SIGNED, int FACTOR_BITS, int FACTOR_SIGNED, int OUT_BITS, int LANES,
          int FACTORS, int DEPTH, int ROUNDS, int MULTIPLY_STYLE, int BEATS>
void bnn_scale(hls::stream<ap_uint<IN_BITS * LANES>>& s0_axis,
               hls::stream<ap_uint<FACTOR_BITS * FACTORS>>& s1_axis,
               hls::stream<ap_uint<OUT_BITS * LANES>>& m_axis) {
  static_assert(IN_BITS >= 1 && FACTOR_BITS >= 1 && OUT_BITS >= 1, "elements have bits");
  static_assert(LANES >= 1 && DEPTH >= 1 && ROUNDS >= 1, "widths and counts are positive");
  static_assert(IN_SIGNED == 0 || IN_SIGNED == 1, "IN_SIGNED is 0 or 1");
  static_assert(FACTOR_SIGNED == 0 || FACTOR_SIGNED == 1, "FACTOR_SIGNED is 0 or 1");
  static_assert(FACTORS == 1 || FACTORS == LANES, "FACTORS is 1 or LANES");
  static_assert(MULTIPLY_STYLE == 1 || MULTIPLY_STYLE == 2, "MULTIPLY_STYLE is 1 or 2");
  static_assert(BEATS >= 1 && BEATS % DEPTH == 0, "a frame holds whole rounds");
  ap_uint<FACTOR_BITS * FACTORS> kept[DEPTH];
#pragma HLS DEPENDENCE variable=kept type=inter direction=RAW distance=DEPTH dependent=true
  int word = 0;
  int round = 0;
  for (int beat = 0; beat < BEATS * ROUNDS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<IN_BITS * LANES> in = s0_axis.read();
    ap_uint<FACTOR_BITS * FACTORS> factors = 0;
    if (round == 0) {
      factors = s1_axis.read();
      kept[word] = factors;
    } else {
      factors = kept[word];
    }
    ap_uint<OUT_BITS * LANES> out = 0;
    for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
      const int index = FACTORS == 1 ? 0 : lane;
      const ap_int<IN_BITS + 1> x = number<IN_SIGNED == 1>(extract<IN_BITS>(in, lane * IN_BITS));
      const ap_int<FACTOR_BITS + 1> factor =
          number<FACTOR_SIGNED == 1>(extract<FACTOR_BITS>(factors, index * FACTOR_BITS));
      const ap_int<OUT_BITS> product = Multiply<MULTIPLY_STYLE>::product(x, factor);
      insert<OUT_BITS>(out, lane * OUT_BITS, ap_uint<OUT_BITS>(product));
    }
    m_axis.write(out);
    if (word < DEPTH - 1) {
      ++word;
    } else {
      word = 0;
      round = round == ROUNDS - 1 ? 0 : round + 1;
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_SCALE_H_

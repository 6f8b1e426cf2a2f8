#ifndef BNN_SELECT_H_
#define BNN_SELECT_H_

#include "bnn_bits.h"

namespace bnnhw {

/// Chooses between two streams: of numbers a and b, b where a >= T_c, else a; the other way round
/// where the channel says so. Each is enlarged by a factor first.
/// In: BEATS beats of LANES numbers of A_BITS and of B_BITS, two's complement; FOLDS beats per
/// pixel, or, tile by tile, HOLD beats for each of the FOLDS words. Out: BEATS beats of LANES numbers
/// of OUT_BITS. thresholds[fold][lane]: T in the low A_BITS + 1 bits, signed; the bit above inverts.
template <int A_BITS, int B_BITS, int OUT_BITS, int A_FACTOR, int B_FACTOR, int LANES, int FOLDS,
          int HOLD, int BEATS>
void bnn_select(hls::stream<ap_uint<A_BITS * LANES>>& s0_axis,
                hls::stream<ap_uint<B_BITS * LANES>>& s1_axis,
                hls::stream<ap_uint<OUT_BITS * LANES>>& m_axis,
                const ap_uint<A_BITS + 2> (&thresholds)[FOLDS][LANES]) {
  static_assert(A_BITS >= 1 && B_BITS >= 1 && OUT_BITS >= 1 && LANES >= 1 && FOLDS >= 1 && HOLD >= 1,
                "widths and counts are positive");
  static_assert(A_FACTOR >= 1 && B_FACTOR >= 1, "factors are positive");
  static_assert(BEATS >= 1 && BEATS % (FOLDS * HOLD) == 0, "a frame is a whole number of pixels");
  int fold = 0;  // of the pixel
  int held = 0;  // beats of the fold
  for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<A_BITS * LANES> in_a = s0_axis.read();
    const ap_uint<B_BITS * LANES> in_b = s1_axis.read();
    ap_uint<OUT_BITS * LANES> out = 0;
    for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
      const ap_int<A_BITS + 1> a = number<true>(extract<A_BITS>(in_a, lane * A_BITS));
      const ap_int<OUT_BITS> b = number<true>(extract<B_BITS>(in_b, lane * B_BITS));
      const ap_uint<A_BITS + 2> word = thresholds[fold][lane];
      const ap_int<A_BITS + 1> threshold = extract<A_BITS + 1>(word, 0);
      const bool invert = word[A_BITS + 1];
      const ap_int<OUT_BITS> a_large = ap_int<OUT_BITS>(a) * A_FACTOR;
      const ap_int<OUT_BITS> b_large = b * B_FACTOR;
      const bool chosen = (a >= threshold) != invert;
      insert<OUT_BITS>(out, lane * OUT_BITS, ap_uint<OUT_BITS>(chosen ? b_large : a_large));
    }
    m_axis.write(out);
    if (held < HOLD - 1) {
      ++held;
    } else {
      held = 0;
      fold = fold == FOLDS - 1 ? 0 : fold + 1;
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_SELECT_H_

#ifndef BNN_THRESHOLD_H_
#define BNN_THRESHOLD_H_

#include "bnn_bits.h"

namespace bnnhw {

/// x >= T of one number, inverted where its field says so: T in the low IN_BITS + 1 bits, signed; the bit
/// above inverts.
template <int IN_BITS, int IN_SIGNED>
bool threshold_bit(ap_uint<IN_BITS> in, ap_uint<IN_BITS + 2> field) {
#pragma HLS INLINE
  static_assert(IN_SIGNED == 0 || IN_SIGNED == 1, "IN_SIGNED is 0 or 1");
  const ap_int<IN_BITS + 1> x = number<IN_SIGNED == 1>(in);
  const ap_int<IN_BITS + 1> threshold = extract<IN_BITS + 1>(field, 0);
  const bool invert = field[IN_BITS + 1];
  return (x >= threshold) != invert;
}

/// bit = (x >= T_c), inverted where the channel says so.
/// In: BEATS beats of LANES numbers of IN_BITS; FOLDS beats per pixel, or, tile by tile, HOLD beats for
/// each of the FOLDS words. Out: BEATS beats of LANES bits. thresholds[fold][lane]: T in the low IN_BITS + 1 bits, signed; the bit above inverts.
template <int IN_BITS, int IN_SIGNED, int LANES, int FOLDS, int HOLD, int BEATS>
void bnn_threshold(hls::stream<ap_uint<IN_BITS * LANES>>& s_axis,
                   hls::stream<ap_uint<LANES>>& m_axis,
                   const ap_uint<IN_BITS + 2> (&thresholds)[FOLDS][LANES]) {
  static_assert(IN_BITS >= 1 && LANES >= 1 && FOLDS >= 1 && HOLD >= 1,
                "widths and counts are positive");
  static_assert(BEATS >= 1 && BEATS % (FOLDS * HOLD) == 0, "a frame is a whole number of pixels");
  int fold = 0;  // of the pixel
  int held = 0;  // beats of the fold
  for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<IN_BITS * LANES> in = s_axis.read();
    ap_uint<LANES> bits = 0;
    for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
      bits[lane] = threshold_bit<IN_BITS, IN_SIGNED>(extract<IN_BITS>(in, lane * IN_BITS),
                                                     thresholds[fold][lane]);
    }
    m_axis.write(bits);
    if (held < HOLD - 1) {
      ++held;
    } else {
      held = 0;
      fold = fold == FOLDS - 1 ? 0 : fold + 1;
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_THRESHOLD_H_

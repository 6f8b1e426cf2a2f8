#ifndef BNN_CONCAT_H_
#define BNN_CONCAT_H_

#include "bnn_bits.h"

namespace bnnhw {

/// Puts the channels of two streams one after the other, pixel by pixel.
/// In: LANES elements of ELEM_BITS per beat; FOLDS0 beats per pixel on the first side, FOLDS1 on
/// the second, which has BEATS per frame. Out: of each pixel the beats of the first, then those of
/// the second.
template <int ELEM_BITS, int LANES, int FOLDS0, int FOLDS1, int BEATS>
void bnn_concat(hls::stream<ap_uint<ELEM_BITS * LANES>>& s0_axis,
                hls::stream<ap_uint<ELEM_BITS * LANES>>& s1_axis,
                hls::stream<ap_uint<ELEM_BITS * LANES>>& m_axis) {
  static_assert(ELEM_BITS >= 1 && LANES >= 1, "elements have bits");
  static_assert(FOLDS0 >= 1 && FOLDS1 >= 1, "both sides have beats");
  static_assert(BEATS >= 1 && BEATS % FOLDS1 == 0, "a frame holds whole pixels");
  constexpr int kFolds = FOLDS0 + FOLDS1;
  int fold = 0;  // of the pixel
  for (int beat = 0; beat < BEATS / FOLDS1 * kFolds; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    m_axis.write(fold < FOLDS0 ? s0_axis.read() : s1_axis.read());
    fold = fold == kFolds - 1 ? 0 : fold + 1;
  }
}

}  // namespace bnnhw

#endif  // BNN_CONCAT_H_

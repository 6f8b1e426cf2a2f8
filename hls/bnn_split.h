#ifndef BNN_SPLIT_H_
#define BNN_SPLIT_H_

#include "bnn_bits.h"

namespace bnnhw {

/// Deals the channels of each pixel to two streams.
/// In: BEATS beats of LANES elements of ELEM_BITS, FOLDS0 + FOLDS1 per pixel. Out: of each pixel
/// the first FOLDS0 beats on the first stream, the others on the second.
template <int ELEM_BITS, int LANES, int FOLDS0, int FOLDS1, int BEATS>
void bnn_split(hls::stream<ap_uint<ELEM_BITS * LANES>>& s_axis,
               hls::stream<ap_uint<ELEM_BITS * LANES>>& m0_axis,
               hls::stream<ap_uint<ELEM_BITS * LANES>>& m1_axis) {
  static_assert(ELEM_BITS >= 1 && LANES >= 1, "elements have bits");
  static_assert(FOLDS0 >= 1 && FOLDS1 >= 1, "both sides have beats");
  constexpr int kFolds = FOLDS0 + FOLDS1;
  static_assert(BEATS >= 1 && BEATS % kFolds == 0, "a frame holds whole pixels");
  int fold = 0;  // of the pixel
  for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<ELEM_BITS * LANES> in = s_axis.read();
    if (fold < FOLDS0) {
      m0_axis.write(in);
    } else {
      m1_axis.write(in);
    }
    fold = fold == kFolds - 1 ? 0 : fold + 1;
  }
}

}  // namespace bnnhw

#endif  // BNN_SPLIT_H_

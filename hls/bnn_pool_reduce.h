#ifndef BNN_POOL_REDUCE_H_
#define BNN_POOL_REDUCE_H_

#include "bnn_bits.h"

namespace bnnhw {

/// Max pool of TAPS beats to one, behind bnn_window with CHANNEL_OUTER=1; channels flagged in
/// `minimum` take the minimum.
/// In: BEATS beats of LANES bits, the top bit on padded taps, which count for nothing; FOLDS * TAPS
/// beats per pixel; or, tile by tile, HOLD * TAPS for each of the FOLDS words of `minimum`.
/// Out: BEATS / TAPS beats of LANES bits.
template <int LANES, int FOLDS, int TAPS, int HOLD, int BEATS>
void bnn_pool_reduce(hls::stream<ap_uint<LANES + 1>>& s_axis, hls::stream<ap_uint<LANES>>& m_axis,
                     const ap_uint<LANES> (&minimum)[FOLDS]) {
  static_assert(LANES >= 1 && FOLDS >= 1 && TAPS >= 1 && HOLD >= 1,
                "widths and counts are positive");
  static_assert(BEATS >= 1 && BEATS % (FOLDS * TAPS * HOLD) == 0,
                "a frame is a whole number of pixels");
  // A pool of minima is an OR of inverted bits, inverted back at the end.
  ap_uint<LANES> any = 0;
  int fold = 0;  // of the pixel
  int tap = 0;   // of the window
  int held = 0;  // windows of the fold
  for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<LANES + 1> in = s_axis.read();
    const ap_uint<LANES> flip = minimum[fold];
    const ap_uint<LANES> bits = extract<LANES>(in, 0);
    if (tap == 0) any = 0;
    if (!in[LANES]) any |= bits ^ flip;
    if (tap == TAPS - 1) {
      m_axis.write(any ^ flip);
      tap = 0;
      held = held == HOLD - 1 ? 0 : held + 1;
      if (held == 0) fold = fold == FOLDS - 1 ? 0 : fold + 1;
    } else {
      ++tap;
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_POOL_REDUCE_H_

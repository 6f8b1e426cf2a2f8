#ifndef BNN_INT_POOL_REDUCE_H_
#define BNN_INT_POOL_REDUCE_H_

#include "bnn_bits.h"
#include "bnn_pool_step.h"

namespace bnnhw {

/// Maximum (OPERATION 0) or sum (1) of TAPS beats, behind bnn_window with CHANNEL_OUTER=1.
/// In: BEATS beats of LANES elements of ELEM_BITS, the top bit on padded taps, which count for
/// nothing; FOLDS * TAPS beats per pixel. Out: BEATS / TAPS beats of LANES elements of OUT_BITS; a
/// window of padding alone gives 0.
template <int OPERATION, int ELEM_BITS, int SIGNED, int OUT_BITS, int LANES, int FOLDS, int TAPS,
          int BEATS>
void bnn_int_pool_reduce(hls::stream<ap_uint<ELEM_BITS * LANES + 1>>& s_axis,
                         hls::stream<ap_uint<OUT_BITS * LANES>>& m_axis) {
  static_assert(OPERATION == 0 || OPERATION == 1, "OPERATION is 0 or 1");
  static_assert(SIGNED == 0 || SIGNED == 1, "SIGNED is 0 or 1");
  static_assert(LANES >= 1 && FOLDS >= 1 && TAPS >= 1, "widths and counts are positive");
  static_assert(BEATS >= 1 && BEATS % (FOLDS * TAPS) == 0, "a frame is a whole number of pixels");
  static_assert(ELEM_BITS >= 1 && OUT_BITS >= ELEM_BITS, "a result has the bits of an element");
  static_assert(OPERATION == 1 || OUT_BITS == ELEM_BITS, "a maximum has the bits of an element");
  ap_uint<OUT_BITS * LANES> result = 0;
  bool none = true;  // no tap of the image has come since the last result
  int tap = 0;       // of the window
  for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<ELEM_BITS * LANES + 1> in = s_axis.read();
    const bool padded = in[ELEM_BITS * LANES];
    const ap_uint<OUT_BITS * LANES> x = widen<ELEM_BITS, SIGNED == 1, OUT_BITS, LANES>(
        extract<ELEM_BITS * LANES>(in, 0));
    if (tap == 0) {
      result = 0;
      none = true;
    }
    if (!padded) {
      result = none ? x : pool_step<OPERATION, SIGNED == 1, OUT_BITS, LANES>(x, result);
      none = false;
    }
    if (tap == TAPS - 1) {
      m_axis.write(result);
      tap = 0;
    } else {
      ++tap;
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_INT_POOL_REDUCE_H_

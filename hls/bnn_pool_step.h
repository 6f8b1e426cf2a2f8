// What the pools of integers share.
#ifndef BNN_POOL_STEP_H_
#define BNN_POOL_STEP_H_

#include "bnn_bits.h"

namespace bnnhw {

/// LANES elements of IN_BITS as elements of OUT_BITS, sign-extended where SIGNED.
template <int IN_BITS, bool SIGNED, int OUT_BITS, int LANES>
inline ap_uint<OUT_BITS * LANES> widen(const ap_uint<IN_BITS * LANES>& beat) {
#pragma HLS INLINE
  ap_uint<OUT_BITS * LANES> wide = 0;
  for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
    const ap_int<IN_BITS + 1> x = number<SIGNED>(extract<IN_BITS>(beat, lane * IN_BITS));
    insert<OUT_BITS>(wide, lane * OUT_BITS, ap_uint<OUT_BITS>(x));
  }
  return wide;
}

/// The larger (OPERATION 0) or the sum (1) of two beats, element by element.
template <int OPERATION, bool SIGNED, int BITS, int LANES>
inline ap_uint<BITS * LANES> pool_step(const ap_uint<BITS * LANES>& a,
                                       const ap_uint<BITS * LANES>& b) {
#pragma HLS INLINE
  ap_uint<BITS * LANES> result = 0;
  for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
    const ap_int<BITS + 1> x = number<SIGNED>(extract<BITS>(a, lane * BITS));
    const ap_int<BITS + 1> y = number<SIGNED>(extract<BITS>(b, lane * BITS));
    ap_int<BITS + 1> z = x > y ? x : y;
    if (OPERATION == 1) z = x + y;
    insert<BITS>(result, lane * BITS, ap_uint<BITS>(z));
  }
  return result;
}

}  // namespace bnnhw

#endif  // BNN_POOL_STEP_H_

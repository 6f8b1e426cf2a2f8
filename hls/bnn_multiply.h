// Products in the resources that MULTIPLY_STYLE names.
#ifndef BNN_MULTIPLY_H_
#define BNN_MULTIPLY_H_

#include "bnn_bits.h"

namespace bnnhw {

/// One product: 0 leaves the choice to the tool, 1 LUTs, 2 a DSP block.
/// A pragma cannot read a template parameter, so each style is a specialisation.
template <int STYLE>
struct Multiply {
  static_assert(STYLE == 0, "MULTIPLY_STYLE is 0, 1 or 2");
  template <int A_BITS, int B_BITS>
  static ap_int<A_BITS + B_BITS> product(const ap_int<A_BITS>& a, const ap_int<B_BITS>& b) {
#pragma HLS INLINE
    return a * b;
  }
};

template <>
struct Multiply<1> {
  template <int A_BITS, int B_BITS>
  static ap_int<A_BITS + B_BITS> product(const ap_int<A_BITS>& a, const ap_int<B_BITS>& b) {
#pragma HLS INLINE
    const ap_int<A_BITS + B_BITS> result = a * b;
#pragma HLS BIND_OP variable=result op=mul impl=fabric
    return result;
  }
};

template <>
struct Multiply<2> {
  template <int A_BITS, int B_BITS>
  static ap_int<A_BITS + B_BITS> product(const ap_int<A_BITS>& a, const ap_int<B_BITS>& b) {
#pragma HLS INLINE
    const ap_int<A_BITS + B_BITS> result = a * b;
#pragma HLS BIND_OP variable=result op=mul impl=dsp
    return result;
  }
};

/// Products of one x with two factors, which fit K bits: two multiplications, or with STYLE 3 a
/// single one, (w1 * 2^K + w0) * x, where the low product borrows from the high one.
template <int STYLE>
struct MultiplyPair {
  template <int K, int X_BITS, int W_BITS>
  static void products(const ap_int<X_BITS>& x, const ap_int<W_BITS>& w0, const ap_int<W_BITS>& w1,
                       ap_int<K>& low, ap_int<K>& high) {
#pragma HLS INLINE
    low = Multiply<STYLE>::product(x, w0);
    high = Multiply<STYLE>::product(x, w1);
  }
};

template <>
struct MultiplyPair<3> {
  template <int K, int X_BITS, int W_BITS>
  static void products(const ap_int<X_BITS>& x, const ap_int<W_BITS>& w0, const ap_int<W_BITS>& w1,
                       ap_int<K>& low, ap_int<K>& high) {
#pragma HLS INLINE
    const ap_int<K + W_BITS + 1> factor = (ap_int<K + W_BITS + 1>(w1) << K) + w0;
    const ap_int<K + W_BITS + 1 + X_BITS> both = Multiply<2>::product(factor, x);
    low = both;
    high = (both - low) >> K;
  }
};

}  // namespace bnnhw

#endif  // BNN_MULTIPLY_H_

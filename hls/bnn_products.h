// What the PE arrays that multiply integers do with a beat.
#ifndef BNN_PRODUCTS_H_
#define BNN_PRODUCTS_H_

#include "bnn_multiply.h"

namespace bnnhw {

/// Adds the sum of w * x over a beat to the accumulator of each PE. `in` holds SIMD numbers of
/// IN_BITS (and may hold a mark on top), a word of weights SIMD numbers of WEIGHT_BITS.
template <int SIMD, int IN_BITS, int IN_SIGNED, int WEIGHT_BITS, int MULTIPLY_STYLE, int BEAT_BITS,
          int PE, int ACC_BITS>
inline void add_products(const ap_uint<BEAT_BITS>& in,
                         const ap_uint<SIMD * WEIGHT_BITS> (&words)[PE],
                         ap_int<ACC_BITS> (&acc)[PE]) {
#pragma HLS INLINE
  static_assert(PE >= 1 && SIMD >= 1, "folding is positive");
  static_assert(IN_BITS >= 1 && IN_BITS <= 32, "an input has 1 to 32 bits");
  static_assert(WEIGHT_BITS >= 1 && WEIGHT_BITS <= 32, "a weight has 1 to 32 bits");
  static_assert(IN_SIGNED == 0 || IN_SIGNED == 1, "IN_SIGNED is 0 or 1");
  static_assert(MULTIPLY_STYLE >= 1 && MULTIPLY_STYLE <= 4, "MULTIPLY_STYLE is 1 to 4");
  static_assert(MULTIPLY_STYLE < 3 || PE % 2 == 0, "packed products need an even PE");
  static_assert(MULTIPLY_STYLE < 3 || IN_BITS + 2 * WEIGHT_BITS + 1 <= 25,
                "packed products fit 25 bits");
  constexpr int kXBits = IN_BITS + 1 - IN_SIGNED;
  constexpr int kProductBits = IN_BITS + WEIGHT_BITS;
  constexpr int kSumBits = kProductBits + bits_for(SIMD);

  ap_int<kXBits> x[SIMD];
#pragma HLS ARRAY_PARTITION variable=x type=complete
  for (int s = 0; s < SIMD; ++s) {
#pragma HLS UNROLL
    x[s] = number<IN_SIGNED == 1>(extract<IN_BITS>(in, s * IN_BITS));
  }
  // Two output channels at a time; the partner of an odd last one has weights of 0.
  for (int p = 0; p < PE; p += 2) {
#pragma HLS UNROLL
    const bool alone = p + 1 == PE;
    const int partner = alone ? p : p + 1;
    ap_int<kSumBits> sum0 = 0;
    ap_int<kSumBits> sum1 = 0;
    for (int s = 0; s < SIMD; ++s) {
#pragma HLS UNROLL
      const ap_int<WEIGHT_BITS> w0 = extract<WEIGHT_BITS>(words[p], s * WEIGHT_BITS);
      const ap_int<WEIGHT_BITS> w1 =
          alone ? ap_uint<WEIGHT_BITS>(0) : extract<WEIGHT_BITS>(words[partner], s * WEIGHT_BITS);
      ap_int<kProductBits> low;
      ap_int<kProductBits> high;
      MultiplyPair<(MULTIPLY_STYLE < 3 ? MULTIPLY_STYLE : 3)>::products(x[s], w0, w1, low, high);
      sum0 += low;
      sum1 += high;
    }
    acc[p] += sum0;
    if (!alone) acc[partner] += sum1;
  }
}

}  // namespace bnnhw

#endif  // BNN_PRODUCTS_H_

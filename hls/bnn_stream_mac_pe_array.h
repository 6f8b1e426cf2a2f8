#ifndef BNN_STREAM_MAC_PE_ARRAY_H_
#define BNN_STREAM_MAC_PE_ARRAY_H_

#include "bnn_bits.h"
#include "bnn_multiply.h"

namespace bnnhw {

/// Integer activations by integer weights from a stream, tile by tile: acc = init[tile][p] + sum of
/// w * x.
/// In: TILES * PIXELS * FOLDS beats of SIMD numbers of IN_BITS, where the top bit marks padding,
/// whose numbers are 0, and as many of PE * SIMD weights of WEIGHT_BITS. Out: TILES * PIXELS beats of
/// PE sums.
template <int PE, int SIMD, int FOLDS, int TILES, int PIXELS, int IN_BITS, int IN_SIGNED,
          int WEIGHT_BITS, int ACC_BITS, int MULTIPLY_STYLE>
void bnn_stream_mac_pe_array(hls::stream<ap_uint<SIMD * IN_BITS + 1>>& s_axis,
                          hls::stream<ap_uint<PE * SIMD * WEIGHT_BITS>>& w_axis,
                          hls::stream<ap_uint<PE * ACC_BITS>>& m_axis,
                          const ap_uint<ACC_BITS> (&init)[TILES][PE]) {
  static_assert(PE >= 1 && SIMD >= 1 && FOLDS >= 1 && TILES >= 1, "folding is positive");
  static_assert(PIXELS >= 1, "the output has pixels");
  static_assert(IN_BITS >= 1 && IN_BITS <= 32, "an input has 1 to 32 bits");
  static_assert(WEIGHT_BITS >= 1 && WEIGHT_BITS <= 32, "a weight has 1 to 32 bits");
  static_assert(IN_SIGNED == 0 || IN_SIGNED == 1, "IN_SIGNED is 0 or 1");
  static_assert(ACC_BITS >= 2 && ACC_BITS <= 32, "an accumulator has 2 to 32 bits");
  static_assert(MULTIPLY_STYLE >= 1 && MULTIPLY_STYLE <= 4, "MULTIPLY_STYLE is 1 to 4");
  static_assert(MULTIPLY_STYLE < 3 || PE % 2 == 0, "packed products need an even PE");
  static_assert(MULTIPLY_STYLE < 3 || IN_BITS + 2 * WEIGHT_BITS + 1 <= 25,
                "packed products fit 25 bits");
  constexpr int kXBits = IN_BITS + 1 - IN_SIGNED;
  constexpr int kProductBits = IN_BITS + WEIGHT_BITS;
  constexpr int kSumBits = kProductBits + bits_for(SIMD);
  constexpr int kWordBits = SIMD * WEIGHT_BITS;

  ap_int<ACC_BITS> acc[PE];
#pragma HLS ARRAY_PARTITION variable=acc type=complete
  int fold = 0;   // of the window
  int pixel = 0;  // of the tile
  int tile = 0;
  for (int beat = 0; beat < TILES * PIXELS * FOLDS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<SIMD * IN_BITS + 1> in = s_axis.read();
    const ap_uint<PE * kWordBits> weights = w_axis.read();
    // Two output channels at a time; the partner of an odd last one has weights of 0.
    for (int p = 0; p < PE; p += 2) {
#pragma HLS UNROLL
      const bool alone = p + 1 == PE;
      const ap_uint<kWordBits> word0 = extract<kWordBits>(weights, p * kWordBits);
      const ap_uint<kWordBits> word1 = extract<kWordBits>(weights, (alone ? p : p + 1) * kWordBits);
      ap_int<kSumBits> sum0 = 0;
      ap_int<kSumBits> sum1 = 0;
      for (int s = 0; s < SIMD; ++s) {
#pragma HLS UNROLL
        const ap_int<kXBits> x = number<IN_SIGNED == 1>(extract<IN_BITS>(in, s * IN_BITS));
        const ap_int<WEIGHT_BITS> w0 = extract<WEIGHT_BITS>(word0, s * WEIGHT_BITS);
        const ap_int<WEIGHT_BITS> w1 =
            alone ? ap_uint<WEIGHT_BITS>(0) : extract<WEIGHT_BITS>(word1, s * WEIGHT_BITS);
        ap_int<kProductBits> low;
        ap_int<kProductBits> high;
        MultiplyPair<(MULTIPLY_STYLE < 3 ? MULTIPLY_STYLE : 3)>::products(x, w0, w1, low, high);
        sum0 += low;
        sum1 += high;
      }
      acc[p] = (fold == 0 ? ap_int<ACC_BITS>(init[tile][p]) : acc[p]) + sum0;
      if (!alone) {
        acc[p + 1] = (fold == 0 ? ap_int<ACC_BITS>(init[tile][p + 1]) : acc[p + 1]) + sum1;
      }
    }
    if (fold < FOLDS - 1) {
      ++fold;
      continue;
    }
    ap_uint<PE * ACC_BITS> out = 0;
    for (int p = 0; p < PE; ++p) {
#pragma HLS UNROLL
      insert<ACC_BITS>(out, p * ACC_BITS, ap_uint<ACC_BITS>(acc[p]));
    }
    m_axis.write(out);
    fold = 0;
    if (pixel < PIXELS - 1) {
      ++pixel;
    } else {
      pixel = 0;
      ++tile;
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_STREAM_MAC_PE_ARRAY_H_

#ifndef BNN_MAC_PE_ARRAY_H_
#define BNN_MAC_PE_ARRAY_H_

#include "bnn_bits.h"
#include "bnn_border.h"
#include "bnn_multiply.h"

namespace bnnhw {

/// Integer activations by integer weights: acc = init[pattern][c] + sum of w * x, where output
/// channel c = tile * PE + p and pattern is the border class of the pixel.
/// In: OUT_H * OUT_W * TILES * FOLDS beats of SIMD numbers of IN_BITS. Out: OUT_H * OUT_W * TILES
/// beats of PE sums. weights[tile * FOLDS + fold][p] holds SIMD weights of WEIGHT_BITS,
/// init[pattern * TILES + tile][p].
template <int PE, int SIMD, int FOLDS, int TILES, int IN_BITS, int IN_SIGNED, int WEIGHT_BITS,
          int ACC_BITS, int OUT_H, int OUT_W, int BORDER_TOP, int BORDER_BOTTOM, int BORDER_LEFT,
          int BORDER_RIGHT, int MULTIPLY_STYLE>
void bnn_mac_pe_array(
    hls::stream<ap_uint<SIMD * IN_BITS>>& s_axis, hls::stream<ap_uint<PE * ACC_BITS>>& m_axis,
    const ap_uint<SIMD * WEIGHT_BITS> (&weights)[TILES * FOLDS][PE],
    const ap_uint<ACC_BITS> (
        &init)[border_patterns(BORDER_TOP, BORDER_BOTTOM, BORDER_LEFT, BORDER_RIGHT) * TILES][PE]) {
  static_assert(PE >= 1 && SIMD >= 1 && FOLDS >= 1 && TILES >= 1, "folding is positive");
  static_assert(OUT_H >= 1 && OUT_W >= 1, "the output has pixels");
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
  constexpr int kBeats = OUT_H * OUT_W * TILES * FOLDS;

  ap_int<ACC_BITS> acc[PE];
#pragma HLS ARRAY_PARTITION variable=acc type=complete
  BorderWalk<OUT_H, OUT_W, BORDER_TOP, BORDER_BOTTOM, BORDER_LEFT, BORDER_RIGHT> border;
  int fold = 0;         // of the window
  int tile = 0;         // of the output pixel
  int weight_word = 0;  // tile * FOLDS + fold
  for (int beat = 0; beat < kBeats; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<SIMD * IN_BITS> in = s_axis.read();
    ap_int<kXBits> x[SIMD];
#pragma HLS ARRAY_PARTITION variable=x type=complete
    for (int s = 0; s < SIMD; ++s) {
#pragma HLS UNROLL
      x[s] = number<IN_SIGNED == 1>(extract<IN_BITS>(in, s * IN_BITS));
    }
    const int init_word = border.pattern() * TILES + tile;
    // Two output channels at a time; the partner of an odd last one has weights of 0.
    for (int p = 0; p < PE; p += 2) {
#pragma HLS UNROLL
      const bool alone = p + 1 == PE;
      const ap_uint<SIMD * WEIGHT_BITS> word0 = weights[weight_word][p];
      const ap_uint<SIMD * WEIGHT_BITS> word1 = weights[weight_word][alone ? p : p + 1];
      ap_int<kSumBits> sum0 = 0;
      ap_int<kSumBits> sum1 = 0;
      for (int s = 0; s < SIMD; ++s) {
#pragma HLS UNROLL
        const ap_int<WEIGHT_BITS> w0 = extract<WEIGHT_BITS>(word0, s * WEIGHT_BITS);
        const ap_int<WEIGHT_BITS> w1 =
            alone ? ap_uint<WEIGHT_BITS>(0) : extract<WEIGHT_BITS>(word1, s * WEIGHT_BITS);
        ap_int<kProductBits> low;
        ap_int<kProductBits> high;
        MultiplyPair<(MULTIPLY_STYLE < 3 ? MULTIPLY_STYLE : 3)>::products(x[s], w0, w1, low, high);
        sum0 += low;
        sum1 += high;
      }
      acc[p] = (fold == 0 ? ap_int<ACC_BITS>(init[init_word][p]) : acc[p]) + sum0;
      if (!alone) {
        acc[p + 1] = (fold == 0 ? ap_int<ACC_BITS>(init[init_word][p + 1]) : acc[p + 1]) + sum1;
      }
    }
    if (fold == FOLDS - 1) {
      ap_uint<PE * ACC_BITS> out = 0;
      for (int p = 0; p < PE; ++p) {
#pragma HLS UNROLL
        insert<ACC_BITS>(out, p * ACC_BITS, ap_uint<ACC_BITS>(acc[p]));
      }
      m_axis.write(out);
      fold = 0;
      if (tile == TILES - 1) {
        tile = 0;
        weight_word = 0;
        border.next();
      } else {
        ++tile;
        ++weight_word;
      }
    } else {
      ++fold;
      ++weight_word;
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_MAC_PE_ARRAY_H_

#ifndef BNN_PE_ARRAY_H_
#define BNN_PE_ARRAY_H_

#include "bnn_bits.h"
#include "bnn_border.h"

namespace bnnhw {

/// XNOR-popcount: acc = init[pattern][c] + sum of popcount(xnor(weight, x)) << ACC_SHIFT, where
/// output channel c = tile * PE + p and pattern is the border class of the output pixel.
/// In: OUT_H * OUT_W * TILES * FOLDS beats of SIMD bits. Out: OUT_H * OUT_W * TILES beats of PE
/// elements: acc, or with BINARY_OUT=1 the bit acc >= 0.
/// weights[tile * FOLDS + fold][p], init[pattern * TILES + tile][p].
template <int PE, int SIMD, int FOLDS, int TILES, int ACC_BITS, int ACC_SHIFT, int BINARY_OUT,
          int OUT_H, int OUT_W, int BORDER_TOP, int BORDER_BOTTOM, int BORDER_LEFT,
          int BORDER_RIGHT>
void bnn_pe_array(
    hls::stream<ap_uint<SIMD>>& s_axis,
    hls::stream<ap_uint<PE * (BINARY_OUT == 1 ? 1 : ACC_BITS)>>& m_axis,
    const ap_uint<SIMD> (&weights)[TILES * FOLDS][PE],
    const ap_uint<ACC_BITS> (
        &init)[border_patterns(BORDER_TOP, BORDER_BOTTOM, BORDER_LEFT, BORDER_RIGHT) * TILES][PE]) {
  static_assert(PE >= 1 && SIMD >= 1 && FOLDS >= 1 && TILES >= 1, "folding is positive");
  static_assert(OUT_H >= 1 && OUT_W >= 1, "the output has pixels");
  static_assert(ACC_BITS >= 2 && ACC_BITS <= 32, "an accumulator has 2 to 32 bits");
  static_assert(ACC_SHIFT >= 0 && ACC_SHIFT < ACC_BITS, "ACC_SHIFT is less than ACC_BITS");
  static_assert(BINARY_OUT == 0 || BINARY_OUT == 1, "BINARY_OUT is 0 or 1");
  constexpr int kOutBits = BINARY_OUT == 1 ? 1 : ACC_BITS;
  constexpr int kBeats = OUT_H * OUT_W * TILES * FOLDS;

  ap_int<ACC_BITS> acc[PE];
#pragma HLS ARRAY_PARTITION variable=acc type=complete
  BorderWalk<OUT_H, OUT_W, BORDER_TOP, BORDER_BOTTOM, BORDER_LEFT, BORDER_RIGHT> border;
  int fold = 0;         // of the window
  int tile = 0;         // of the output pixel
  int weight_word = 0;  // tile * FOLDS + fold
  for (int beat = 0; beat < kBeats; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<SIMD> x = s_axis.read();
    const int init_word = border.pattern() * TILES + tile;
    for (int p = 0; p < PE; ++p) {
#pragma HLS UNROLL
      const ap_uint<SIMD> match = ~(weights[weight_word][p] ^ x);
      const ap_int<ACC_BITS> start = fold == 0 ? ap_int<ACC_BITS>(init[init_word][p]) : acc[p];
      acc[p] = start + (ap_uint<ACC_BITS>(popcount(match)) << ACC_SHIFT);
    }
    if (fold == FOLDS - 1) {
      ap_uint<PE * kOutBits> out = 0;
      for (int p = 0; p < PE; ++p) {
#pragma HLS UNROLL
        const ap_uint<kOutBits> element =
            BINARY_OUT == 1 ? ap_uint<kOutBits>(acc[p] >= 0) : ap_uint<kOutBits>(acc[p]);
        insert<kOutBits>(out, p * kOutBits, element);
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

#endif  // BNN_PE_ARRAY_H_

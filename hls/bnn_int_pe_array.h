#ifndef BNN_INT_PE_ARRAY_H_
#define BNN_INT_PE_ARRAY_H_

#include "bnn_walk.h"

namespace bnnhw {

/// Integer activations by binary weights: acc = init[pattern][c] + sum of (weight ? x : -x) <<
/// ACC_SHIFT, where output channel c = tile * PE + p and pattern is the border class of the pixel.
/// In: OUT_H * OUT_W * TILES * FOLDS beats of SIMD numbers of IN_BITS. Out: OUT_H * OUT_W * TILES
/// beats of PE elements: acc, or with BINARY_OUT=1 the bit acc >= 0.
/// weights[tile * FOLDS + fold][p], init[pattern * TILES + tile][p].
template <int PE, int SIMD, int FOLDS, int TILES, int IN_BITS, int IN_SIGNED, int ACC_BITS,
          int ACC_SHIFT, int BINARY_OUT, int OUT_H, int OUT_W, int BORDER_TOP, int BORDER_BOTTOM,
          int BORDER_LEFT, int BORDER_RIGHT>
void bnn_int_pe_array(
    hls::stream<ap_uint<SIMD * IN_BITS>>& s_axis,
    hls::stream<ap_uint<PE * (BINARY_OUT == 1 ? 1 : ACC_BITS)>>& m_axis,
    const ap_uint<SIMD> (&weights)[TILES * FOLDS][PE],
    const ap_uint<ACC_BITS> (
        &init)[border_patterns(BORDER_TOP, BORDER_BOTTOM, BORDER_LEFT, BORDER_RIGHT) * TILES][PE]) {
  static_assert(PE >= 1 && SIMD >= 1, "folding is positive");
  static_assert(IN_BITS >= 1 && IN_BITS <= 32, "an input has 1 to 32 bits");
  static_assert(IN_SIGNED == 0 || IN_SIGNED == 1, "IN_SIGNED is 0 or 1");
  static_assert(ACC_SHIFT >= 0 && ACC_SHIFT < ACC_BITS, "ACC_SHIFT is less than ACC_BITS");
  constexpr int kSumBits = IN_BITS + 1 + bits_for(SIMD);

  ap_int<ACC_BITS> acc[PE];
#pragma HLS ARRAY_PARTITION variable=acc type=complete
  PixelWalk<FOLDS, TILES, OUT_H, OUT_W, BORDER_TOP, BORDER_BOTTOM, BORDER_LEFT, BORDER_RIGHT> walk;
  for (int beat = 0; beat < walk.kBeats; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<SIMD * IN_BITS> in = s_axis.read();
    ap_int<IN_BITS + 1> x[SIMD];
#pragma HLS ARRAY_PARTITION variable=x type=complete
    for (int s = 0; s < SIMD; ++s) {
#pragma HLS UNROLL
      x[s] = number<IN_SIGNED == 1>(extract<IN_BITS>(in, s * IN_BITS));
    }
    const int init_word = walk.init_word();
    for (int p = 0; p < PE; ++p) {
#pragma HLS UNROLL
      const ap_uint<SIMD> weight = weights[walk.weight_word][p];
      ap_int<kSumBits> sum = 0;
      for (int s = 0; s < SIMD; ++s) {
#pragma HLS UNROLL
        sum += extract<1>(weight, s) == 1 ? ap_int<IN_BITS + 2>(x[s]) : ap_int<IN_BITS + 2>(-x[s]);
      }
      const ap_int<ACC_BITS> start = walk.fold == 0 ? ap_int<ACC_BITS>(init[init_word][p]) : acc[p];
      acc[p] = start + (ap_int<ACC_BITS>(sum) << ACC_SHIFT);
    }
    if (walk.last()) m_axis.write(results<BINARY_OUT>(acc));
    walk.next();
  }
}

}  // namespace bnnhw

#endif  // BNN_INT_PE_ARRAY_H_

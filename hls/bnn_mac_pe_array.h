#ifndef BNN_MAC_PE_ARRAY_H_
#define BNN_MAC_PE_ARRAY_H_

#include "bnn_products.h"
#include "bnn_walk.h"

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
  ap_int<ACC_BITS> acc[PE];
#pragma HLS ARRAY_PARTITION variable=acc type=complete
  PixelWalk<FOLDS, TILES, OUT_H, OUT_W, BORDER_TOP, BORDER_BOTTOM, BORDER_LEFT, BORDER_RIGHT> walk;
  for (int beat = 0; beat < walk.kBeats; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<SIMD * IN_BITS> in = s_axis.read();
    ap_uint<SIMD * WEIGHT_BITS> words[PE];
#pragma HLS ARRAY_PARTITION variable=words type=complete
    const int init_word = walk.init_word();
    for (int p = 0; p < PE; ++p) {
#pragma HLS UNROLL
      words[p] = weights[walk.weight_word][p];
      if (walk.fold == 0) acc[p] = init[init_word][p];
    }
    add_products<SIMD, IN_BITS, IN_SIGNED, WEIGHT_BITS, MULTIPLY_STYLE>(in, words, acc);
    if (walk.last()) m_axis.write(results<0>(acc));
    walk.next();
  }
}

}  // namespace bnnhw

#endif  // BNN_MAC_PE_ARRAY_H_

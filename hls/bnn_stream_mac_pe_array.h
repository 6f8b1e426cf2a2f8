#ifndef BNN_STREAM_MAC_PE_ARRAY_H_
#define BNN_STREAM_MAC_PE_ARRAY_H_

#include "bnn_products.h"
#include "bnn_walk.h"

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
  ap_int<ACC_BITS> acc[PE];
#pragma HLS ARRAY_PARTITION variable=acc type=complete
  TileWalk<FOLDS, TILES, PIXELS> walk;
  for (int beat = 0; beat < walk.kBeats; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<SIMD * IN_BITS + 1> in = s_axis.read();
    const ap_uint<PE * SIMD * WEIGHT_BITS> weights = w_axis.read();
    ap_uint<SIMD * WEIGHT_BITS> words[PE];
#pragma HLS ARRAY_PARTITION variable=words type=complete
    const int init_word = walk.init_word();
    for (int p = 0; p < PE; ++p) {
#pragma HLS UNROLL
      words[p] = extract<SIMD * WEIGHT_BITS>(weights, p * SIMD * WEIGHT_BITS);
      if (walk.fold == 0) acc[p] = init[init_word][p];
    }
    add_products<SIMD, IN_BITS, IN_SIGNED, WEIGHT_BITS, MULTIPLY_STYLE>(in, words, acc);
    if (walk.last()) m_axis.write(results<0>(acc));
    walk.next();
  }
}

}  // namespace bnnhw

#endif  // BNN_STREAM_MAC_PE_ARRAY_H_

#ifndef BNN_STREAM_PE_ARRAY_H_
#define BNN_STREAM_PE_ARRAY_H_

#include "bnn_walk.h"

namespace bnnhw {

/// XNOR-popcount with weights from a stream, tile by tile: acc = init[tile][p] + sum of
/// popcount(xnor(weight, x)) << ACC_SHIFT. With PAD_HALF a beat marked as padding counts SIMD / 2.
/// In: TILES * PIXELS * FOLDS beats of SIMD bits, the top bit marking padding, and as many of
/// PE * SIMD weights. Out: TILES * PIXELS beats of PE elements: acc, or with BINARY_OUT=1 the bit
/// acc >= 0.
template <int PE, int SIMD, int FOLDS, int TILES, int PIXELS, int ACC_BITS, int ACC_SHIFT,
          int BINARY_OUT, int PAD_HALF>
void bnn_stream_pe_array(hls::stream<ap_uint<SIMD + 1>>& s_axis,
                         hls::stream<ap_uint<PE * SIMD>>& w_axis,
                         hls::stream<ap_uint<PE * (BINARY_OUT == 1 ? 1 : ACC_BITS)>>& m_axis,
                         const ap_uint<ACC_BITS> (&init)[TILES][PE]) {
  static_assert(PE >= 1 && SIMD >= 1, "folding is positive");
  static_assert(ACC_SHIFT >= 0 && ACC_SHIFT < ACC_BITS, "ACC_SHIFT is less than ACC_BITS");
  static_assert(PAD_HALF == 0 || (PAD_HALF == 1 && SIMD % 2 == 0), "half of SIMD is a number");

  ap_int<ACC_BITS> acc[PE];
#pragma HLS ARRAY_PARTITION variable=acc type=complete
  TileWalk<FOLDS, TILES, PIXELS> walk;
  for (int beat = 0; beat < walk.kBeats; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<SIMD + 1> in = s_axis.read();
    const ap_uint<PE * SIMD> weights = w_axis.read();
    const ap_uint<SIMD> x = extract<SIMD>(in, 0);
    const bool half = PAD_HALF == 1 && in[SIMD];
    const int init_word = walk.init_word();
    for (int p = 0; p < PE; ++p) {
#pragma HLS UNROLL
      const ap_uint<SIMD> match = ~(extract<SIMD>(weights, p * SIMD) ^ x);
      ap_uint<ACC_BITS> count = popcount(match);
      if (half) count = SIMD / 2;
      const ap_int<ACC_BITS> start = walk.fold == 0 ? ap_int<ACC_BITS>(init[init_word][p]) : acc[p];
      acc[p] = start + (count << ACC_SHIFT);
    }
    if (walk.last()) m_axis.write(results<BINARY_OUT>(acc));
    walk.next();
  }
}

}  // namespace bnnhw

#endif  // BNN_STREAM_PE_ARRAY_H_

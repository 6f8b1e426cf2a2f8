#ifndef BNN_TOP_K_H_
#define BNN_TOP_K_H_

#include "bnn_bits.h"

namespace bnnhw {

/// The K best of CLASSES scores, best first; ties go to the lower index.
/// In: CLASSES beats of one signed score. Out: K beats of OUT_BITS, 32 or 64: the index in the
/// upper half, the score sign-extended in the lower.
template <int SCORE_BITS, int CLASSES, int K, int OUT_BITS>
void bnn_top_k(hls::stream<ap_uint<SCORE_BITS>>& s_axis, hls::stream<ap_uint<OUT_BITS>>& m_axis) {
  static_assert(SCORE_BITS >= 1 && SCORE_BITS <= 32, "a score fits 32 bits");
  static_assert(K >= 1 && K <= CLASSES, "K is at most the number of classes");
  static_assert(OUT_BITS == 64 || (OUT_BITS == 32 && SCORE_BITS <= 16 && CLASSES <= 65536),
                "a beat has 64 bits, or 32 where index and score fit 16");
  constexpr int kHalf = OUT_BITS / 2;
  ap_int<SCORE_BITS> score[K];
#pragma HLS ARRAY_PARTITION variable=score type=complete
  ap_uint<32> index[K];
#pragma HLS ARRAY_PARTITION variable=index type=complete
  // Invariant: the first min(step, K) ranks hold the best so far in order. Each rank keeps its
  // entry, takes the new one, or takes the entry of the rank above; then the ranks shift out.
  for (int step = 0; step < CLASSES + K; ++step) {
#pragma HLS PIPELINE II=1 style=flp
    if (step < CLASSES) {
      const ap_int<SCORE_BITS> x = s_axis.read();
      bool beaten[K];  // the new score goes in front of the rank
#pragma HLS ARRAY_PARTITION variable=beaten type=complete
      for (int rank = 0; rank < K; ++rank) {
#pragma HLS UNROLL
        beaten[rank] = rank >= step || x > score[rank];
      }
      for (int rank = K - 1; rank >= 0; --rank) {
#pragma HLS UNROLL
        if (!beaten[rank]) continue;
        const bool shift = rank > 0 && beaten[max_of(rank - 1, 0)];
        score[rank] = shift ? score[max_of(rank - 1, 0)] : x;
        index[rank] = shift ? index[max_of(rank - 1, 0)] : ap_uint<32>(step);
      }
    } else {
      ap_uint<OUT_BITS> out = 0;
      insert<kHalf>(out, 0, ap_uint<kHalf>(ap_int<kHalf>(score[0])));
      insert<kHalf>(out, kHalf, ap_uint<kHalf>(index[0]));
      m_axis.write(out);
      for (int rank = 0; rank + 1 < K; ++rank) {
#pragma HLS UNROLL
        score[rank] = score[rank + 1];
        index[rank] = index[rank + 1];
      }
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_TOP_K_H_

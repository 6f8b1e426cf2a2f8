#ifndef BNN_AXI_READER_H_
#define BNN_AXI_READER_H_

#include "bnn_bits.h"

namespace bnnhw {

/// The first WORDS words of a memory, once per frame. Bursts, and how many there are at once, are
/// what the interface pragmas of `memory` (m_axi) say.
/// Out: WORDS beats of DATA_BITS.
template <int DATA_BITS, int WORDS>
void bnn_axi_reader(const ap_uint<DATA_BITS>* memory, hls::stream<ap_uint<DATA_BITS>>& m_axis) {
  static_assert(DATA_BITS >= 32 && DATA_BITS <= 1024 && (DATA_BITS & (DATA_BITS - 1)) == 0,
                "a bus word is a power of two of bits, from 32 to 1024");
  static_assert(WORDS >= 1, "a frame has words");
  for (int word = 0; word < WORDS; ++word) {
#pragma HLS PIPELINE II=1 style=flp
    m_axis.write(memory[word]);
  }
}

}  // namespace bnnhw

#endif  // BNN_AXI_READER_H_

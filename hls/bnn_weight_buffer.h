#ifndef BNN_WEIGHT_BUFFER_H_
#define BNN_WEIGHT_BUFFER_H_

#include "bnn_bits.h"
#include "bnn_storage.h"

namespace bnnhw {

/// Holds the weights of a tile and plays them once per pixel; they come in with the first pixel.
/// In: BEATS words of WORD_BITS, FOLDS a tile. Out: each tile's FOLDS words in order, PIXELS times.
template <int WORD_BITS, int FOLDS, int PIXELS, int RAM_STYLE, int BEATS>
void bnn_weight_buffer(hls::stream<ap_uint<WORD_BITS>>& s_axis,
                       hls::stream<ap_uint<WORD_BITS>>& m_axis) {
  static_assert(WORD_BITS >= 1 && FOLDS >= 1 && PIXELS >= 1, "sizes are positive");
  static_assert(BEATS >= 1 && BEATS % FOLDS == 0, "a frame is a whole number of tiles");
  // A word is stored in the first pixel and read FOLDS steps later, or not stored at all.
  ap_uint<WORD_BITS> buffer[FOLDS];
  Storage<RAM_STYLE>::bind(buffer);
#pragma HLS DEPENDENCE variable=buffer type=inter direction=RAW distance=FOLDS dependent=true
  int fold = 0;
  int pixel = 0;
  for (int step = 0; step < BEATS * PIXELS; ++step) {
#pragma HLS PIPELINE II=1 style=flp
    ap_uint<WORD_BITS> word = buffer[fold];
    if (pixel == 0) {
      word = s_axis.read();
      buffer[fold] = word;
    }
    m_axis.write(word);
    if (fold < FOLDS - 1) {
      ++fold;
    } else {
      fold = 0;
      pixel = pixel == PIXELS - 1 ? 0 : pixel + 1;
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_WEIGHT_BUFFER_H_

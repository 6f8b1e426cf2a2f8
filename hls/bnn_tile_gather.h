#ifndef BNN_TILE_GATHER_H_
#define BNN_TILE_GATHER_H_

#include "bnn_bits.h"

namespace bnnhw {

/// Widens a stream that goes tile by tile, each all pixels.
/// In: BEATS beats of IN_LANES elements, PIXELS a tile. Out: for each OUT_LANES / IN_LANES tiles,
/// PIXELS beats of OUT_LANES elements, the first tile's lowest.
template <int ELEM_BITS, int PIXELS, int IN_LANES, int OUT_LANES, int BEATS>
void bnn_tile_gather(hls::stream<ap_uint<ELEM_BITS * IN_LANES>>& s_axis,
                     hls::stream<ap_uint<ELEM_BITS * OUT_LANES>>& m_axis) {
  static_assert(ELEM_BITS >= 1 && PIXELS >= 1 && IN_LANES >= 1, "sizes are positive");
  static_assert(OUT_LANES > IN_LANES && OUT_LANES % IN_LANES == 0, "IN_LANES divides OUT_LANES");
  constexpr int kTiles = OUT_LANES / IN_LANES;
  constexpr int kInBits = ELEM_BITS * IN_LANES;
  static_assert(BEATS >= 1 && BEATS % (PIXELS * kTiles) == 0, "a frame is a whole number of tiles");
  // A pixel's word is read and written back once per tile.
  ap_uint<ELEM_BITS * OUT_LANES> gathered[PIXELS];
#pragma HLS DEPENDENCE variable=gathered type=inter direction=RAW distance=PIXELS dependent=true
  int pixel = 0;
  int tile = 0;  // of those that become one
  for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    ap_uint<ELEM_BITS * OUT_LANES> word = gathered[pixel];
    insert<kInBits>(word, tile * kInBits, s_axis.read());
    gathered[pixel] = word;
    if (tile == kTiles - 1) m_axis.write(word);
    if (pixel < PIXELS - 1) {
      ++pixel;
    } else {
      pixel = 0;
      tile = tile == kTiles - 1 ? 0 : tile + 1;
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_TILE_GATHER_H_

#ifndef BNN_TRANSPOSE_H_
#define BNN_TRANSPOSE_H_

#include "bnn_bits.h"
#include "bnn_storage.h"

namespace bnnhw {

/// Transposes frames of ROWS * COLUMNS beats: from row by row to column by column.
/// In: BEATS beats of LANES elements of ELEM_BITS, whole frames. Out: the same beats, of each frame
/// column by column.
template <int ELEM_BITS, int LANES, int ROWS, int COLUMNS, int RAM_STYLE, int BEATS>
void bnn_transpose(hls::stream<ap_uint<ELEM_BITS * LANES>>& s_axis,
                   hls::stream<ap_uint<ELEM_BITS * LANES>>& m_axis) {
  static_assert(ELEM_BITS >= 1 && LANES >= 1 && ROWS >= 1 && COLUMNS >= 1, "sizes are positive");
  static_assert(BEATS >= 1 && BEATS % (ROWS * COLUMNS) == 0, "a call is a whole number of frames");
  // One row or one column keeps its order: a queue, which is one row of at least two beats.
  constexpr int kFrame = ROWS * COLUMNS;
  constexpr bool kSame = ROWS == 1 || COLUMNS == 1;
  constexpr int kRows = kSame ? 1 : ROWS;
  constexpr int kColumns = kSame ? max_of(kFrame, 2) : COLUMNS;
  constexpr int kSlots = kRows * kColumns;
  constexpr int kLast = kSlots - 1;
  constexpr int kApart = kRows + kColumns - 1;  // least steps from a beat in to the same beat out
  static_assert(kApart >= 2, "no slot is read in the step after its write");

  // A beat comes into the slot that one of the frame before leaves: beat j of frame n lies in slot
  // j * kColumns^n modulo kLast, the last in the last. Slot kColumns is the next frame's stride.
  ap_uint<ELEM_BITS * LANES> slots[kSlots];
  Storage<RAM_STYLE>::bind(slots);
#pragma HLS DEPENDENCE variable=slots type=inter direction=RAW distance=kApart dependent=true
  int slot = 0;
  int beat = 0;    // of the frame
  int stride = 1;  // from slot to slot
  int next = 1;    // of the next frame
  for (int step = 0; step < BEATS + kSlots; ++step) {
#pragma HLS PIPELINE II=1 style=flp
    if (step >= kSlots) m_axis.write(slots[slot]);
    if (step < BEATS) slots[slot] = s_axis.read();
    if (!kSame && beat == kColumns) next = slot;
    if (slot == kLast) {
      slot = beat = 0;
      stride = next;
    } else {
      const int moved = slot + stride;
      slot = moved > kLast ? moved - kLast : moved;
      ++beat;
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_TRANSPOSE_H_

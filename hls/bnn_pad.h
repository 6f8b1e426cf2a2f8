#ifndef BNN_PAD_H_
#define BNN_PAD_H_

#include "bnn_bits.h"
#include "bnn_storage.h"

namespace bnnhw {

/// A move of `beats`, back or on, in a circular buffer of `depth` beats: 0 to depth - 1.
constexpr int slots(int beats, int depth) { return (beats % depth + depth) % depth; }

/// Pads images with their own pixels: by reflection (REFLECT=1) or with those of the edge.
/// In: BEATS beats of LANES elements, HEIGHT * WIDTH * (CHANNELS / LANES) per image, raster order,
/// channels innermost. Out: the padded images, likewise.
template <int ELEM_BITS, int CHANNELS, int HEIGHT, int WIDTH, int PAD_TOP, int PAD_BOTTOM,
          int PAD_LEFT, int PAD_RIGHT, int REFLECT, int LANES, int DEPTH, int RAM_STYLE, int BEATS>
void bnn_pad(hls::stream<ap_uint<ELEM_BITS * LANES>>& s_axis,
             hls::stream<ap_uint<ELEM_BITS * LANES>>& m_axis) {
  static_assert(ELEM_BITS >= 1 && CHANNELS >= 1 && HEIGHT >= 1 && WIDTH >= 1 && LANES >= 1,
                "sizes are positive");
  static_assert(PAD_TOP >= 0 && PAD_BOTTOM >= 0 && PAD_LEFT >= 0 && PAD_RIGHT >= 0,
                "padding is not negative");
  static_assert(REFLECT == 0 || REFLECT == 1, "REFLECT is 0 or 1");
  static_assert(CHANNELS % LANES == 0, "LANES divides CHANNELS");
  // What a reflection reaches beyond a pixel; of an edge nothing.
  constexpr int kTop = REFLECT * PAD_TOP;
  constexpr int kBottom = REFLECT * PAD_BOTTOM;
  constexpr int kLeft = REFLECT * PAD_LEFT;
  constexpr int kRight = REFLECT * PAD_RIGHT;
  static_assert(kTop < HEIGHT && kBottom < HEIGHT && kLeft < WIDTH && kRight < WIDTH,
                "a reflection is less than the image");
  constexpr int kFolds = CHANNELS / LANES;
  constexpr int kRow = WIDTH * kFolds;
  constexpr int kFrame = HEIGHT * kRow;
  static_assert(BEATS >= 1 && BEATS % kFrame == 0, "a call is a whole number of images");
  static_assert(DEPTH >= 2 && DEPTH >= (max_of(kTop, kBottom) + 1) * kRow,
                "the buffer holds the rows that are reflected");
  constexpr int kOutH = PAD_TOP + HEIGHT + PAD_BOTTOM;
  constexpr int kOutW = PAD_LEFT + WIDTH + PAD_RIGHT;
  constexpr int kStart = kTop * kRow + kLeft * kFolds;
  // From the last beat of a pixel to the next to be read: in the padding of a row; from its end, in
  // the padding above or below, on to the next row, and to the next image.
  constexpr int kPadStep = 1 - kFolds - REFLECT * kFolds;
  constexpr int kPadRow = 1 - kFolds - (WIDTH - 1 - kRight - kLeft) * kFolds - REFLECT * kRow;
  constexpr int kNextRow = kPadRow + (1 + REFLECT) * kRow;
  constexpr int kNextImage = kNextRow + (kBottom + kTop) * kRow;

  // A beat is stored before it is read in the same or a later step, and overwritten only in a step
  // after its last read: no dependence pragma, the tool has to keep that order.
  ap_uint<ELEM_BITS * LANES> buffer[DEPTH];
  Storage<RAM_STYLE>::bind(buffer);
  int to_come = BEATS;
  int image = 0;
  int oldest = 0;      // beats of the image that are read no more
  int written = 0;     // beats in the buffer so far, from the image's first on
  int write_slot = 0;  // of the next beat
  int out_y = 0, out_x = 0, fold = 0;
  int beat = kStart;  // the place to read: of the image, and in the buffer
  int slot = kStart % DEPTH;
  while (image < BEATS / kFrame) {
#pragma HLS PIPELINE II=1 style=flp
    const bool may_write = to_come > 0 && written - oldest < DEPTH;
    const bool may_read = beat < written;
    // Input is waited for only where there is nothing else to do, so that a branch of the design
    // that lags behind cannot hold up pixels that are there.
    if (may_write && (!may_read || !s_axis.empty())) {
      buffer[write_slot] = s_axis.read();
      write_slot = write_slot == DEPTH - 1 ? 0 : write_slot + 1;
      ++written;
      --to_come;
    }
    if (may_read) {
      m_axis.write(buffer[slot]);

      const bool last_fold = fold == kFolds - 1;
      const bool last_x = out_x == kOutW - 1;
      const bool last_y = out_y == kOutH - 1;
      const bool inside_x = out_x >= PAD_LEFT && out_x < PAD_LEFT + WIDTH - 1;
      const bool inside_y = out_y >= PAD_TOP && out_y < PAD_TOP + HEIGHT - 1;
      int move = 1;
      int moved = slot + 1;
      if (last_fold && last_x) {
        move = last_y ? kNextImage : inside_y ? kNextRow : kPadRow;
        moved = slot + (last_y ? slots(kNextImage, DEPTH)
                               : inside_y ? slots(kNextRow, DEPTH) : slots(kPadRow, DEPTH));
      } else if (last_fold && !inside_x) {
        move = kPadStep;
        moved = slot + slots(kPadStep, DEPTH);
      }
      beat += move;
      slot = moved >= DEPTH ? moved - DEPTH : moved;
      fold = last_fold ? 0 : fold + 1;
      if (last_fold) out_x = last_x ? 0 : out_x + 1;
      if (last_fold && last_x) {
        if (inside_y && out_y < PAD_TOP + HEIGHT - 1 - kBottom) oldest += kRow;
        out_y = last_y ? 0 : out_y + 1;
        if (last_y) {  // what is there of the next image counts from its first beat
          ++image;
          oldest = 0;
          written -= kFrame;
          beat -= kFrame;
        }
      }
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_PAD_H_

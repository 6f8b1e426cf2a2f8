#ifndef BNN_AFFINE_H_
#define BNN_AFFINE_H_

#include "bnn_bits.h"
#include "bnn_multiply.h"

namespace bnnhw {

/// Bits of one channel's parameters: {knee2, knee1, b2, m2, b1, m1, b0, m0}, of up to three segments.
constexpr int affine_field_bits(int in_bits, int multiplier_bits, int offset_bits, int segments) {
  return segments * (multiplier_bits + offset_bits) + (segments - 1) * (in_bits + 1);
}

/// y = saturate((m * x + b) >> SHIFT) of one number, of the last segment of its field with x >= its knee.
template <int IN_BITS, int IN_SIGNED, int OUT_BITS, int OUT_SIGNED, int SHIFT, int MULTIPLIER_BITS,
          int OFFSET_BITS, int OFFSET_SHIFT, int OFFSET_LOW, int SEGMENTS, int MULTIPLY_STYLE>
ap_uint<OUT_BITS> affine_value(
    ap_uint<IN_BITS> in,
    ap_uint<affine_field_bits(IN_BITS, MULTIPLIER_BITS, OFFSET_BITS, SEGMENTS)> field) {
#pragma HLS INLINE
  static_assert(IN_SIGNED == 0 || IN_SIGNED == 1, "IN_SIGNED is 0 or 1");
  static_assert(OUT_SIGNED == 0 || OUT_SIGNED == 1, "OUT_SIGNED is 0 or 1");
  static_assert(SHIFT >= 0 && MULTIPLIER_BITS >= 0 && OFFSET_BITS >= 1,
                "SHIFT and MULTIPLIER_BITS are not negative, OFFSET_BITS is positive");
  static_assert(OFFSET_SHIFT >= 0 && OFFSET_SHIFT <= 31 && (OFFSET_LOW >> OFFSET_SHIFT) == 0,
                "OFFSET_SHIFT is at most 31 and OFFSET_LOW has so many bits");
  static_assert(SEGMENTS >= 1 && SEGMENTS <= 3, "SEGMENTS is 1 to 3");
  static_assert(MULTIPLY_STYLE >= 0 && MULTIPLY_STYLE <= 2, "MULTIPLY_STYLE is 0, 1 or 2");
  constexpr int kSegmentBits = MULTIPLIER_BITS + OFFSET_BITS;
  constexpr int kKnees = SEGMENTS * kSegmentBits;               // where knees begin
  constexpr int kKneeBits = SEGMENTS > 1 ? IN_BITS + 1 : 1;     // of a knee, if there is one
  constexpr int kFactorBits = max_of(MULTIPLIER_BITS, 1);       // of m, if there is one
  constexpr int kAddendBits = OFFSET_BITS + OFFSET_SHIFT;
  constexpr int kSumBits = max_of(IN_BITS + 1 + MULTIPLIER_BITS, kAddendBits) + 1;
  constexpr int kShift = min_of(SHIFT, kSumBits - 1);           // beyond, all bits are the sign
  constexpr int kWide = max_of(kSumBits, OUT_BITS + 1) + 1;     // holds the sum and both ends
  const ap_int<kWide> one = 1;
  const ap_int<kWide> high = (one << (OUT_BITS - OUT_SIGNED)) - one;
  const ap_int<kWide> low = OUT_SIGNED == 1 ? ap_int<kWide>(-high - one) : ap_int<kWide>(0);

  const ap_int<IN_BITS + 1> x = number<IN_SIGNED == 1>(in);
  ap_uint<kSegmentBits> segment = extract<kSegmentBits>(field, 0);
  for (int i = 1; i < SEGMENTS; ++i) {
#pragma HLS UNROLL
    const ap_int<kKneeBits> knee = extract<kKneeBits>(field, kKnees + (i - 1) * kKneeBits);
    if (x >= knee) segment = extract<kSegmentBits>(field, i * kSegmentBits);
  }
  const ap_int<OFFSET_BITS> stored = extract<OFFSET_BITS>(segment, MULTIPLIER_BITS);
  const ap_int<kAddendBits> offset =
      (ap_int<kAddendBits>(stored) << OFFSET_SHIFT) | ap_int<kAddendBits>(OFFSET_LOW);
  const ap_int<kFactorBits> factor = extract<kFactorBits>(segment, 0);
  ap_int<kWide> y = x;
  if (MULTIPLIER_BITS > 0) y = Multiply<MULTIPLY_STYLE>::product(x, factor);
  y = (y + offset) >> kShift;
  if (y > high) y = high;
  if (y < low) y = low;
  return ap_uint<OUT_BITS>(y);
}

/// y = saturate((m * x + b) >> SHIFT) per channel, of the last segment with x >= its knee.
/// In: BEATS beats of LANES numbers of IN_BITS; FOLDS beats per pixel, or, tile by tile, HOLD beats for
/// each of the FOLDS words. Out: BEATS beats of LANES numbers of OUT_BITS. parameters[fold][lane] has
/// m0 in the low bits; m is 1 where MULTIPLIER_BITS is 0. The OFFSET_SHIFT low bits of every b are those of OFFSET_LOW; parameters hold
/// the OFFSET_BITS above them.
template <int IN_BITS, int IN_SIGNED, int OUT_BITS, int OUT_SIGNED, int LANES, int FOLDS, int HOLD,
          int SHIFT, int MULTIPLIER_BITS, int OFFSET_BITS, int OFFSET_SHIFT, int OFFSET_LOW,
          int SEGMENTS, int MULTIPLY_STYLE, int BEATS>
void bnn_affine(
    hls::stream<ap_uint<IN_BITS * LANES>>& s_axis, hls::stream<ap_uint<OUT_BITS * LANES>>& m_axis,
    const ap_uint<affine_field_bits(IN_BITS, MULTIPLIER_BITS, OFFSET_BITS, SEGMENTS)> (
        &parameters)[FOLDS][LANES]) {
  static_assert(IN_BITS >= 1 && OUT_BITS >= 1 && LANES >= 1 && FOLDS >= 1 && HOLD >= 1,
                "widths and counts are positive");
  static_assert(BEATS >= 1 && BEATS % (FOLDS * HOLD) == 0, "a frame is a whole number of pixels");
  int fold = 0;  // of the pixel
  int held = 0;  // beats of the fold
  for (int beat = 0; beat < BEATS; ++beat) {
#pragma HLS PIPELINE II=1 style=flp
    const ap_uint<IN_BITS * LANES> in = s_axis.read();
    ap_uint<OUT_BITS * LANES> out = 0;
    for (int lane = 0; lane < LANES; ++lane) {
#pragma HLS UNROLL
      const ap_uint<OUT_BITS> y =
          affine_value<IN_BITS, IN_SIGNED, OUT_BITS, OUT_SIGNED, SHIFT, MULTIPLIER_BITS,
                       OFFSET_BITS, OFFSET_SHIFT, OFFSET_LOW, SEGMENTS, MULTIPLY_STYLE>(
              extract<IN_BITS>(in, lane * IN_BITS), parameters[fold][lane]);
      insert<OUT_BITS>(out, lane * OUT_BITS, y);
    }
    m_axis.write(out);
    if (held < HOLD - 1) {
      ++held;
    } else {
      held = 0;
      fold = fold == FOLDS - 1 ? 0 : fold + 1;
    }
  }
}

}  // namespace bnnhw

#endif  // BNN_AFFINE_H_

// Bit-level building blocks that the units share. Include this before any header of ap_types: it
// sets the widest word.
#ifndef BNN_BITS_H_
#define BNN_BITS_H_

#ifndef AP_INT_MAX_W
#define AP_INT_MAX_W 4096  // the most that Vitis HLS takes
#endif

#include <ap_int.h>
#include <hls_stream.h>

// In C simulation the range operators of ap_types go bit by bit, which costs most of the run time.
// So fields are moved there through the 64-bit words of which a value consists; synthesis, and
// BNNHW_PORTABLE_BITS, use the range operators.
#if !defined(__SYNTHESIS__) && !defined(BNNHW_PORTABLE_BITS)
#define BNNHW_FAST_BITS
#endif

namespace bnnhw {

/// Bits that hold the numbers 0 to `value`; at least 1.
constexpr int bits_for(unsigned long long value) {
  int bits = 1;
  while (value >>= 1) ++bits;
  return bits;
}

/// The larger of two numbers.
constexpr int max_of(int a, int b) { return a > b ? a : b; }

/// The smaller of two numbers.
constexpr int min_of(int a, int b) { return a < b ? a : b; }

/// Output positions of a window along one axis.
constexpr int output_size(int size, int kernel, int stride, int pad_before, int pad_after) {
  return (size + pad_before + pad_after - kernel) / stride + 1;
}

#ifdef BNNHW_FAST_BITS
/// The 64 bits of `word` that start at bit `lsb`, zero beyond its end.
template <int WIDTH>
inline unsigned long long word_at(const ap_uint<WIDTH>& word, int lsb) {
  constexpr int kWords = (WIDTH + 63) / 64;
  const int index = lsb / 64;
  const int shift = lsb % 64;
  unsigned long long value = word.V.get_pVal(index);
  value >>= shift;
  if (shift != 0 && index + 1 < kWords) {
    value |= static_cast<unsigned long long>(word.V.get_pVal(index + 1)) << (64 - shift);
  }
  return value;
}
#endif

/// Bits [lsb, lsb + BITS) of a word.
template <int BITS, int WIDTH>
inline ap_uint<BITS> extract(const ap_uint<WIDTH>& word, int lsb) {
#pragma HLS INLINE
  static_assert(BITS <= WIDTH, "a field is no wider than its word");
#ifdef BNNHW_FAST_BITS
  if (BITS <= 64) return ap_uint<BITS>(word_at(word, lsb));
  ap_uint<BITS> field;
  for (int bit = 0; bit < BITS; bit += 64) {
    const int left = BITS - bit;
    unsigned long long value = word_at(word, lsb + bit);
    if (left < 64) value &= (1ULL << left) - 1;
    field.V.set_pVal(bit / 64, value);
  }
  return field;
#else
  return word.range(lsb + BITS - 1, lsb);
#endif
}

/// Sets bits [lsb, lsb + BITS) of a word.
template <int BITS, int WIDTH>
inline void insert(ap_uint<WIDTH>& word, int lsb, const ap_uint<BITS>& field) {
#pragma HLS INLINE
  static_assert(BITS <= WIDTH, "a field is no wider than its word");
#ifdef BNNHW_FAST_BITS
  for (int bit = 0; bit < BITS; bit += 64) {
    const int left = BITS - bit;
    const unsigned long long mask = left < 64 ? (1ULL << left) - 1 : ~0ULL;
    const unsigned long long value = word_at(field, bit);
    const int index = (lsb + bit) / 64;
    const int shift = (lsb + bit) % 64;
    unsigned long long old = word.V.get_pVal(index);
    word.V.set_pVal(index, (old & ~(mask << shift)) | (value << shift));
    if (shift != 0 && (mask >> (64 - shift)) != 0) {
      old = word.V.get_pVal(index + 1);
      word.V.set_pVal(index + 1, (old & ~(mask >> (64 - shift))) | (value >> (64 - shift)));
    }
  }
#else
  word.range(lsb + BITS - 1, lsb) = field;
#endif
}

/// Number of ones in a word.
template <int WIDTH>
inline ap_uint<bits_for(WIDTH)> popcount(const ap_uint<WIDTH>& word) {
#pragma HLS INLINE
#ifdef BNNHW_FAST_BITS
  int ones = 0;
  for (int bit = 0; bit < WIDTH; bit += 64) ones += __builtin_popcountll(word_at(word, bit));
  return ones;
#else
  ap_uint<bits_for(WIDTH)> ones = 0;
  for (int bit = 0; bit < WIDTH; ++bit) {
#pragma HLS UNROLL
    ones += word[bit];
  }
  return ones;
#endif
}

/// A field as a number: two's complement where SIGNED.
template <bool SIGNED, int BITS>
inline ap_int<BITS + 1> number(const ap_uint<BITS>& field) {
#pragma HLS INLINE
  ap_int<BITS + 1> value = field;
  if (SIGNED) value = ap_int<BITS>(field);
  return value;
}

}  // namespace bnnhw

#endif  // BNN_BITS_H_

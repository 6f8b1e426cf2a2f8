// Feeds a twin from a binary file and records what it does; each word takes whole bytes.
#ifndef HARNESS_H_
#define HARNESS_H_

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "bnn_axis.h"

namespace harness {

template <int BITS>
ap_uint<BITS> get(std::FILE* file) {
  ap_uint<BITS> word = 0;
  for (int bit = 0; bit < BITS; bit += 8) {
    const int byte = std::fgetc(file);
    if (byte == EOF) std::abort();
    for (int i = 0; i < 8 && bit + i < BITS; ++i) word[bit + i] = (byte >> i) & 1;
  }
  return word;
}

template <int BITS>
void put(std::FILE* file, const ap_uint<BITS>& word) {
  for (int bit = 0; bit < BITS; bit += 8) {
    int byte = 0;
    for (int i = 0; i < 8 && bit + i < BITS; ++i) byte |= static_cast<int>(word[bit + i]) << i;
    std::fputc(byte, file);
  }
}

template <int BITS, int DEPTH>
void load(std::FILE* file, ap_uint<BITS> (&memory)[DEPTH]) {
  for (auto& word : memory) word = get<BITS>(file);
}

template <int BITS, int DEPTH, int FIELDS>
void load(std::FILE* file, ap_uint<BITS> (&memory)[DEPTH][FIELDS]) {
  for (auto& word : memory) load(file, word);
}

template <int BITS>
void fill(std::FILE* file, hls::stream<ap_uint<BITS>>& stream, int beats) {
  for (int beat = 0; beat < beats; ++beat) stream.write(get<BITS>(file));
}

// A beat of an AXI4-Stream is its data and then tlast.
template <int BITS>
void fill(std::FILE* file, hls::stream<bnnhw::AxisBeat<BITS>>& stream, int beats) {
  for (int beat = 0; beat < beats; ++beat) {
    bnnhw::AxisBeat<BITS> word;
    word.data = get<BITS>(file);
    word.last = get<1>(file);
    stream.write(word);
  }
}

template <int BITS>
void put(std::FILE* file, const bnnhw::AxisBeat<BITS>& beat) {
  put(file, beat.data);
  put(file, beat.last);
  if (~beat.keep != 0 || ~beat.strb != 0) std::abort();
}

inline void put_count(std::FILE* file, std::uint32_t count) {
  std::fwrite(&count, sizeof count, 1, file);
}

// The number of beats left in an input.
template <typename BEAT>
void report_unread(std::FILE* file, hls::stream<BEAT>& rest) {
  std::uint32_t count = 0;
  for (; !rest.empty(); ++count) rest.read();
  put_count(file, count);
}

// The number of beats that came out, and the beats.
template <typename BEAT>
void report_beats(std::FILE* file, hls::stream<BEAT>& result) {
  put_count(file, static_cast<std::uint32_t>(result.size()));
  while (!result.empty()) put(file, result.read());
}

}  // namespace harness

#endif  // HARNESS_H_

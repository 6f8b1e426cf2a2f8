// Memory images: constants in synthesis, tables unpacked at start in C simulation.
#ifndef BNN_ROM_H_
#define BNN_ROM_H_

#include "bnn_bits.h"

// How an image spells a word of more than 64 bits. The radix must be given: synthesis takes a
// string as decimal, and the simulation library takes hexadecimal digits that begin with 0b or 0d
// as binary or decimal unless 0x precedes them.
#ifdef __SYNTHESIS__
#define BNNHW_WORD(bits, text) ap_uint<bits>(text, 16)
#else
#define BNNHW_WORD(bits, text) text
#endif

#ifndef __SYNTHESIS__
namespace bnnhw {

/// One word of an image as a value of WORD.
template <typename WORD>
inline WORD rom_word(unsigned long long literal) {
  return WORD(literal);
}

template <typename WORD>
inline WORD rom_word(const char* literal) {
  return WORD(literal, 16);
}

/// The words of an image, unpacked once. ap_uint has no constexpr constructor, so that g++ would
/// emit code for every word of a plain array: minutes of compilation for a megabit of weights.
template <typename WORD, int DEPTH>
struct Rom {
  WORD words[DEPTH];

  template <typename LITERAL>
  explicit Rom(const LITERAL (&image)[DEPTH]) {
    for (int word = 0; word < DEPTH; ++word) words[word] = rom_word<WORD>(image[word]);
  }
};

/// The same with FIELDS fields a word.
template <typename WORD, int DEPTH, int FIELDS>
struct FieldRom {
  WORD words[DEPTH][FIELDS];

  template <typename LITERAL>
  explicit FieldRom(const LITERAL (&image)[DEPTH][FIELDS]) {
    for (int word = 0; word < DEPTH; ++word) {
      for (int field = 0; field < FIELDS; ++field) {
        words[word][field] = rom_word<WORD>(image[word][field]);
      }
    }
  }
};

/// The same for each of PASSES passes of a loop.
template <typename WORD, int PASSES, int DEPTH, int FIELDS>
struct PassRom {
  WORD words[PASSES][DEPTH][FIELDS];

  template <typename LITERAL>
  explicit PassRom(const LITERAL (&image)[PASSES][DEPTH][FIELDS]) {
    for (int pass = 0; pass < PASSES; ++pass) {
      for (int word = 0; word < DEPTH; ++word) {
        for (int field = 0; field < FIELDS; ++field) {
          words[pass][word][field] = rom_word<WORD>(image[pass][word][field]);
        }
      }
    }
  }
};

}  // namespace bnnhw
#endif  // __SYNTHESIS__

#endif  // BNN_ROM_H_

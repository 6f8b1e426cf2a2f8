// Where a unit keeps a buffer, by its RAM_STYLE.
#ifndef BNN_STORAGE_H_
#define BNN_STORAGE_H_

namespace bnnhw {

/// Binds a buffer to memory: 0 leaves the choice to the tool, 1 LUTs (distributed), 2 block RAM,
/// 3 UltraRAM.
/// A pragma cannot read a template parameter, so each style is a specialisation.
template <int STYLE>
struct Storage {
  static_assert(STYLE == 0, "a style is 0 to 3");
  template <typename BUFFER>
  static void bind(BUFFER&) {
#pragma HLS INLINE
  }
};

template <>
struct Storage<1> {
  template <typename BUFFER>
  static void bind(BUFFER& buffer) {
#pragma HLS INLINE
#pragma HLS BIND_STORAGE variable=buffer type=RAM_S2P impl=LUTRAM
    static_cast<void>(buffer);
  }
};

template <>
struct Storage<2> {
  template <typename BUFFER>
  static void bind(BUFFER& buffer) {
#pragma HLS INLINE
#pragma HLS BIND_STORAGE variable=buffer type=RAM_S2P impl=BRAM
    static_cast<void>(buffer);
  }
};

template <>
struct Storage<3> {
  template <typename BUFFER>
  static void bind(BUFFER& buffer) {
#pragma HLS INLINE
#pragma HLS BIND_STORAGE variable=buffer type=RAM_S2P impl=URAM
    static_cast<void>(buffer);
  }
};

}  // namespace bnnhw

#endif  // BNN_STORAGE_H_

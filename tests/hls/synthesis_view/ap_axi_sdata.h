// An ap_axiu of the shape that UG1399 documents: an alias of hls::axis, whose fields that are
// switched off are empty. Shows that the code needs no more of the type than that.
#ifndef SYNTHESIS_VIEW_AP_AXI_SDATA_H_
#define SYNTHESIS_VIEW_AP_AXI_SDATA_H_

#include <cstddef>

#include <ap_int.h>

namespace hls {

template <std::size_t BITS>
struct side_channel {
  using type = ap_uint<BITS>;
};
template <>
struct side_channel<0> {
  struct type {};
};

template <typename T, std::size_t USER, std::size_t ID, std::size_t DEST>
struct axis;

template <int DATA, std::size_t USER, std::size_t ID, std::size_t DEST>
struct axis<ap_uint<DATA>, USER, ID, DEST> {
  ap_uint<DATA> data;
  ap_uint<(DATA + 7) / 8> keep;
  ap_uint<(DATA + 7) / 8> strb;
  typename side_channel<USER>::type user;
  ap_uint<1> last;
  typename side_channel<ID>::type id;
  typename side_channel<DEST>::type dest;
};

}  // namespace hls

template <int DATA, std::size_t USER, std::size_t ID, std::size_t DEST>
using ap_axiu = hls::axis<ap_uint<DATA>, USER, ID, DEST>;

#endif  // SYNTHESIS_VIEW_AP_AXI_SDATA_H_

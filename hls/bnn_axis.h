// Beats of the AXI4-Stream ports at the ends of a design.
#ifndef BNN_AXIS_H_
#define BNN_AXIS_H_

#include "bnn_bits.h"

#ifdef __SYNTHESIS__
#include <ap_axi_sdata.h>
#endif

namespace bnnhw {

#ifdef __SYNTHESIS__
template <int WIDTH>
using AxisBeat = ap_axiu<WIDTH, 0, 0, 0>;
#else
/// The fields of ap_axiu that the units use: the headers for g++ do not include ap_axi_sdata.h.
template <int WIDTH>
struct AxisBeat {
  ap_uint<WIDTH> data;
  ap_uint<WIDTH / 8> keep;
  ap_uint<WIDTH / 8> strb;
  ap_uint<1> last;
};
#endif

}  // namespace bnnhw

#endif  // BNN_AXIS_H_

// Beats of the AXI4-Stream ports at the ends of a design.
#ifndef BNN_AXIS_H_
#define BNN_AXIS_H_

#include "bnn_bits.h"

#include <ap_axi_sdata.h>  // of Vitis HLS; stand_in/ for g++ with the public ap_types

namespace bnnhw {

/// The same type in synthesis, C simulation and g++: only of this one does Vitis HLS make tlast.
template <int WIDTH>
using AxisBeat = ap_axiu<WIDTH, 0, 0, 0>;

}  // namespace bnnhw

#endif  // BNN_AXIS_H_

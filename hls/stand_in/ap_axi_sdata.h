// Stands in for the header of this name that Vitis HLS has, which the public ap_types lack: what the
// units and the testbench use of it, by the names of UG1399. Vitis never sees this folder.
#ifndef BNN_STAND_IN_AP_AXI_SDATA_H_
#define BNN_STAND_IN_AP_AXI_SDATA_H_

#include <ap_int.h>

/// A beat of an AXI4-Stream of DATA bits without user, id and destination.
template <int DATA, int USER, int ID, int DEST>
struct ap_axiu {
  static_assert(USER == 0 && ID == 0 && DEST == 0, "only the data, its bytes and tlast");
  ap_uint<DATA> data;
  ap_uint<(DATA + 7) / 8> keep;
  ap_uint<(DATA + 7) / 8> strb;
  ap_uint<1> last;
};

#endif  // BNN_STAND_IN_AP_AXI_SDATA_H_

// The fields of Vitis's ap_axiu that exist when it has no user, id and dest signals.
#ifndef SYNTHESIS_VIEW_AP_AXI_SDATA_H_
#define SYNTHESIS_VIEW_AP_AXI_SDATA_H_

#include <ap_int.h>

template <int DATA, int USER, int ID, int DEST>
struct ap_axiu {
  static_assert(USER == 0 && ID == 0 && DEST == 0, "only the data, its bytes and tlast");
  ap_uint<DATA> data;
  ap_uint<(DATA + 7) / 8> keep;
  ap_uint<(DATA + 7) / 8> strb;
  ap_uint<1> last;
};

#endif  // SYNTHESIS_VIEW_AP_AXI_SDATA_H_

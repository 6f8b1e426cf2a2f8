// Lets g++ compile what synthesis sees: the simulation library under __SYNTHESIS__, which has
// nothing behind its types there but the tool's own builtins.
#ifndef SYNTHESIS_VIEW_AP_INT_H_
#define SYNTHESIS_VIEW_AP_INT_H_

#undef __SYNTHESIS__
#include_next <ap_int.h>
#define __SYNTHESIS__

#endif  // SYNTHESIS_VIEW_AP_INT_H_

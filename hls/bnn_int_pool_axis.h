// One axis of bnn_int_pool_overlap.
#ifndef BNN_INT_POOL_AXIS_H_
#define BNN_INT_POOL_AXIS_H_

#include "bnn_bits.h"
#include "bnn_pool_step.h"

namespace bnnhw {

/// Where a position stands among the windows along one axis, of which at most two are open.
///
/// STRIDE positions are a block. A window is its own block and the first kOverlap positions of the
/// next; the one that began in the block before is the older one.
template <int SIZE, int KERNEL, int STRIDE, int PAD_BEFORE, int PAD_AFTER>
struct PoolAxis {
  static_assert(KERNEL >= 1 && STRIDE >= 1, "kernel and stride are positive");
  static_assert(KERNEL <= 2 * STRIDE, "at most two windows are open");
  static_assert(PAD_BEFORE >= 0 && PAD_AFTER >= 0 && PAD_BEFORE < KERNEL && PAD_AFTER < KERNEL,
                "a window touches the image");
  static_assert(SIZE >= 1 && SIZE + PAD_BEFORE + PAD_AFTER >= KERNEL,
                "the kernel fits the padded image");
  static constexpr int kOutputs = (SIZE + PAD_BEFORE + PAD_AFTER - KERNEL) / STRIDE + 1;
  static constexpr int kOverlap = KERNEL > STRIDE ? KERNEL - STRIDE : 0;
  static constexpr int kEndPhase = (kOverlap > 0 ? kOverlap : KERNEL) - 1;
  static constexpr int kReach = (kOutputs - 1) * STRIDE + KERNEL - PAD_BEFORE;
  static constexpr int kLastBlock = (SIZE - 1 + PAD_BEFORE) / STRIDE;
  static constexpr int kLastPhase = (SIZE - 1 + PAD_BEFORE) % STRIDE;
  // What the last position completes because only padding follows.
  static constexpr bool kEndsOlder =
      kLastPhase < kOverlap && kLastBlock >= 1 && kLastBlock <= kOutputs;
  static constexpr bool kEndsNewer = kLastBlock < kOutputs && (kOverlap > 0 || kLastPhase < KERNEL);
  static_assert(!kEndsOlder || !kEndsNewer, "the last position ends one window");

  int position = 0;
  int phase = PAD_BEFORE % STRIDE;
  bool older = PAD_BEFORE >= STRIDE;

  /// Whether this position completes a window.
  bool complete() const {
#pragma HLS INLINE
    if (position == SIZE - 1 && (kEndsOlder || kEndsNewer)) return true;
    return phase == kEndPhase && (kOverlap == 0 || older) && position < kReach;
  }

  /// Moves to the next position; whether that is the first of the next turn.
  bool advance() {
#pragma HLS INLINE
    if (position == SIZE - 1) {
      position = 0;
      phase = PAD_BEFORE % STRIDE;
      older = PAD_BEFORE >= STRIDE;
      return true;
    }
    ++position;
    if (phase == STRIDE - 1) {
      phase = 0;
      older = true;
    } else {
      ++phase;
    }
    return false;
  }

  /// Takes `x` into the state of its place: the window of this block, above it the older one.
  /// Returns the window that this position completes, if it does.
  template <int OPERATION, bool SIGNED, int BITS, int LANES, int STATE>
  ap_uint<BITS * LANES> take(const ap_uint<BITS * LANES>& x, ap_uint<STATE>& state) const {
#pragma HLS INLINE
    constexpr int kWidth = BITS * LANES;
    static_assert(STATE == (kOverlap > 1 ? 2 : 1) * kWidth, "one window, or two");
    ap_uint<kWidth> joined = x;
    if (position != 0 && (kOverlap > 0 || phase != 0)) {
      joined = pool_step<OPERATION, SIGNED, BITS, LANES>(x, extract<kWidth>(state, 0));
    }
    ap_uint<kWidth> past = joined;
    if (kOverlap > 1 && phase != 0) {
      past = x;
      if (position != 0) {
        past = pool_step<OPERATION, SIGNED, BITS, LANES>(x, extract<kWidth>(state, STATE - kWidth));
      }
    }
    insert<kWidth>(state, STATE - kWidth, past);
    insert<kWidth>(state, 0, kOverlap > 0 && phase == 0 ? x : joined);
    return older && phase < kOverlap ? past : joined;
  }
};

}  // namespace bnnhw

#endif  // BNN_INT_POOL_AXIS_H_

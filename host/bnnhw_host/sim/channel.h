// One direction of an AXI DMA in direct register mode (AMD PG021), and faults that may strike it.
#ifndef BNN_CHANNEL_H_
#define BNN_CHANNEL_H_

#include <cstdint>

enum Fault { kNone, kHalt, kSlaveError, kDecodeError, kStuck, kReadError, kReset, kShort };

enum : uint32_t {
  kRun = 1u << 0,
  kDmaReset = 1u << 2,
  kHalted = 1u << 0,
  kIdle = 1u << 1,
  kInternalError = 1u << 4,
  kSlaveErrorFlag = 1u << 5,
  kDecodeErrorFlag = 1u << 6,
  kComplete = 1u << 12,
  kErrorInterrupt = 1u << 14,
  kInterrupts = 7u << 12,
  kControlAfterReset = 0x00010002,
};

const uint64_t kLengthMask = (1u << 26) - 1;
const int kStartLatency = 40;  // cycles from the length's write to the first beat
const int kBusPatience = 1 << 18;  // cycles in which a register must answer
const int kEndLatency = 20;    // cycles from the last beat in to the last write's answer

struct Channel {
  uint32_t control = kControlAfterReset;
  uint32_t status = kHalted;
  uint64_t address = 0;
  uint64_t length = 0;  // as programmed; of the receiver, what came once a transfer is done
  uint64_t moved = 0;
  bool busy = false;
  bool stuck = false;
  int wait = 0;       // cycles until it moves, or until it is done
  bool ending = false;
  uint64_t credit = 0;  // bytes that the memory port has given and the stream has not used
  Fault fault = kNone;
  uint64_t fault_after = 0;  // bytes

  bool running() const { return (control & kRun) && !(status & kHalted); }
  void fail(uint32_t flag) {
    status |= flag | kHalted | kErrorInterrupt;
    status &= ~kIdle;
    control &= ~kRun;
    busy = false;
  }
  void finish() {
    busy = false;
    ending = false;
    status |= kIdle | kComplete;
  }
};

#endif  // BNN_CHANNEL_H_

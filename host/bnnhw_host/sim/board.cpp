// A simulated board: the accelerator's Verilog as Verilator compiled it, an AXI DMA in direct register
// mode (AMD PG021), the processor's side of AXI4-Lite, and memory that is not coherent: the processor
// sees its caches, the DMA and the accelerator what was written back. One clock: the accelerator's.
//
// Compiled once for each build with
//   BNN_IN_BYTES, BNN_OUT_BYTES   bytes of a beat of s_axis and m_axis
//   BNN_BUS_BYTES                 bytes that the DMA moves in a cycle each way
//   BNN_WEIGHT_BYTES              bytes of a word of m_axi; undefined without that port
//   BNN_WEIGHT_PORTS              1 to 3: m_axi, m_axi1, m_axi2
#include <unistd.h>

#include <climits>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <new>

#include "Vtop.h"
#include "channel.h"
#include "memory.h"
#include "verilated.h"

double sc_time_stamp() { return 0; }

namespace {

// A port's value as bytes: Verilator makes it an integer or, beyond 64 bits, an array of words.
template <typename T>
void set_bytes(T& port, const uint8_t* bytes, size_t count) {
  port = 0;
  std::memcpy(&port, bytes, count);
}
template <std::size_t N>
void set_bytes(VlWide<N>& port, const uint8_t* bytes, size_t count) {
  std::memcpy(port.data(), bytes, count);
}
template <typename T>
void get_bytes(const T& port, uint8_t* bytes, size_t count) {
  std::memcpy(bytes, &port, count);
}
template <std::size_t N>
void get_bytes(const VlWide<N>& port, uint8_t* bytes, size_t count) {
  std::memcpy(bytes, port.data(), count);
}

// DO(number, bus) for each port of weights.
#define BNN_PORTS_1(DO) DO(0, m_axi)
#define BNN_PORTS_2(DO) BNN_PORTS_1(DO) DO(1, m_axi1)
#define BNN_PORTS_3(DO) BNN_PORTS_2(DO) DO(2, m_axi2)
#define BNN_NAMED(count) BNN_PORTS_##count
#define BNN_COUNTED(count) BNN_NAMED(count)
#define BNN_EACH_PORT BNN_COUNTED(BNN_WEIGHT_PORTS)

struct Burst {
  uint64_t address;
  unsigned words;
  unsigned id;
  uint64_t due;
};

class Board {
 public:
  Board(const char* rtl, uint64_t base, uint64_t bytes)
      : memory_(base, bytes) {
    context_.reset(new VerilatedContext);
    context_->fatalOnError(true);
    context_->randReset(2);
    top_.reset(new Vtop(context_.get(), "top"));
    char here[PATH_MAX];
    if (!getcwd(here, sizeof here)) here[0] = 0;
    if (chdir(rtl)) throw std::bad_alloc();
    idle_ports();
    reset_fabric();
    if (here[0] && chdir(here)) throw std::bad_alloc();
  }
  ~Board() { top_->final(); }

  // The fabric's reset, as the processor gives it after a download.
  void reset_fabric() {
    sender_ = Channel();
    receiver_ = Channel();
    forget_bursts();
    top_->rst_n = 0;
    for (int i = 0; i < 8; i++) cycle();
    top_->rst_n = 1;
    for (int i = 0; i < 8; i++) cycle();
  }

  Memory& memory() { return memory_; }
  uint64_t cycles() const { return cycles_; }

  // Faults: `after` bytes of the channel's next transfer, or words of weights from now on.
  void inject(int fault, int receive, uint64_t after) {
    if (fault == kReadError) {
      read_error_ = true;
      read_error_after_ = after;
      return;
    }
    Channel& channel = receive ? receiver_ : sender_;
    channel.fault = static_cast<Fault>(fault);
    channel.fault_after = after;
  }

  // AXI4-Lite accesses of the accelerator, each on its own bus transaction.
  uint32_t read_register(uint32_t address) {
    top_->s_axil_araddr = address & 0xFF;
    top_->s_axil_arvalid = 1;
    top_->s_axil_rready = 1;
    bool asked = false;
    for (int i = 0; i < kBusPatience; i++) {
      top_->eval();
      const bool accepted = !asked && top_->s_axil_arready;
      const bool answered = top_->s_axil_rvalid;
      const uint32_t value = top_->s_axil_rdata;
      cycle();
      if (accepted) {
        asked = true;
        top_->s_axil_arvalid = 0;
      }
      if (answered) {
        top_->s_axil_rready = 0;
        access_time();
        return value;
      }
    }
    return 0xFFFFFFFF;
  }
  void write_register(uint32_t address, uint32_t value) {
    top_->s_axil_awaddr = address & 0xFF;
    top_->s_axil_awvalid = 1;
    top_->s_axil_wdata = value;
    top_->s_axil_wstrb = 0xF;
    top_->s_axil_wvalid = 1;
    top_->s_axil_bready = 1;
    for (int i = 0; i < kBusPatience; i++) {
      top_->eval();
      const bool address_taken = top_->s_axil_awvalid && top_->s_axil_awready;
      const bool data_taken = top_->s_axil_wvalid && top_->s_axil_wready;
      const bool answered = top_->s_axil_bvalid;
      cycle();
      if (address_taken) top_->s_axil_awvalid = 0;
      if (data_taken) top_->s_axil_wvalid = 0;
      if (answered) break;
    }
    top_->s_axil_bready = 0;
    access_time();
  }

  // The DMA's registers. A read of a busy channel's status lets time pass, up to `patience` cycles,
  // until something changed: a processor that polls sees nothing else.
  uint32_t read_dma(uint32_t offset, uint64_t patience) {
    Channel& channel = offset < 0x30 ? sender_ : receiver_;
    const uint32_t reg = offset < 0x30 ? offset : offset - 0x30;
    if (reg == 0x04) {
      for (uint64_t i = 0; i < patience && channel.busy; i++) cycle();
    }
    access_time();
    switch (reg) {
      case 0x00: return channel.control;
      case 0x04: return channel.status;
      case 0x18: return static_cast<uint32_t>(channel.address);
      case 0x1C: return static_cast<uint32_t>(channel.address >> 32);
      case 0x28: return static_cast<uint32_t>(channel.length);
      default: return 0;
    }
  }
  void write_dma(uint32_t offset, uint32_t value) {
    Channel& channel = offset < 0x30 ? sender_ : receiver_;
    const uint32_t reg = offset < 0x30 ? offset : offset - 0x30;
    access_time();
    switch (reg) {
      case 0x00:
        if (value & kDmaReset) {  // of either channel it resets the whole engine
          sender_ = Channel();
          receiver_ = Channel();
          break;
        }
        channel.control = (value & 0xFFFF7001u) | 0x2;
        if (value & kRun) {
          channel.status &= ~kHalted;
        } else {
          channel.status |= kHalted;
          channel.status &= ~kIdle;
          channel.busy = false;
        }
        break;
      case 0x04: channel.status &= ~(value & kInterrupts); break;
      case 0x18: channel.address = (channel.address & ~0xFFFFFFFFull) | value; break;
      case 0x1C: channel.address = (channel.address & 0xFFFFFFFFull) | (uint64_t(value) << 32); break;
      case 0x28: start(channel, value & kLengthMask); break;
      default: break;
    }
  }

 private:
  void idle_ports() {
    top_->clk = 0;
    top_->rst_n = 0;
    top_->s_axis_tvalid = 0;
    top_->s_axis_tlast = 0;
    top_->m_axis_tready = 0;
    top_->s_axil_awvalid = top_->s_axil_wvalid = top_->s_axil_bready = 0;
    top_->s_axil_arvalid = top_->s_axil_rready = 0;
    top_->s_axil_awprot = top_->s_axil_arprot = 0;
#ifdef BNN_WEIGHT_BYTES
#define BNN_IDLE(n, bus)                                                               \
    top_->bus##_arready = top_->bus##_rvalid = top_->bus##_rlast = 0;                   \
    top_->bus##_rresp = top_->bus##_rid = 0;
    BNN_EACH_PORT(BNN_IDLE)
#endif
    top_->eval();
  }
  void forget_bursts() {
    for (std::deque<Burst>& bursts : bursts_) bursts.clear();
  }
  void access_time() {
    for (int i = 0; i < 12; i++) cycle();
  }

  void start(Channel& channel, uint64_t length) {
    if (!channel.running() || channel.busy) return;
    if (length == 0) {
      channel.fail(kInternalError);
      return;
    }
    channel.length = length;
    channel.moved = 0;
    channel.credit = 0;
    channel.busy = true;
    channel.stuck = false;
    channel.ending = false;
    channel.wait = kStartLatency;
    channel.status &= ~kIdle;
    if (!memory_.at(channel.address, length)) channel.fail(kDecodeErrorFlag);
  }

  // What a fault does once its bytes have moved; true where the channel ends with it.
  bool strike(Channel& channel) {
    if (channel.fault == kNone || channel.moved < channel.fault_after) return false;
    const Fault fault = channel.fault;
    channel.fault = kNone;
    switch (fault) {
      case kHalt:
        channel.control &= ~kRun;
        channel.status |= kHalted;
        channel.status &= ~kIdle;
        channel.busy = false;
        return true;
      case kSlaveError: channel.fail(kSlaveErrorFlag); return true;
      case kDecodeError: channel.fail(kDecodeErrorFlag); return true;
      case kStuck: channel.stuck = true; return true;
      case kReset:
        fabric_reset_ = 8;
        forget_bursts();  // DMA and interconnect are reset with the fabric
        sender_ = Channel();
        receiver_ = Channel();
        return true;
      case kShort: short_ = true; return false;
      default: return false;
    }
  }

  // What the two channels offer in this cycle, from registers alone.
  void offer() {
    Channel& s = sender_;
    bool valid = false;
    if (s.busy && !strike(s) && !s.stuck) {
      if (s.wait > 0) {
        s.wait--;
      } else {
        const uint64_t left = s.length - s.moved;
        if (s.credit < 2 * BNN_IN_BYTES + BNN_BUS_BYTES) s.credit += BNN_BUS_BYTES;
        if (s.credit >= BNN_IN_BYTES || s.credit >= left) {
          uint8_t beat[BNN_IN_BYTES] = {0};
          const uint64_t count = left < BNN_IN_BYTES ? left : BNN_IN_BYTES;
          std::memcpy(beat, memory_.at(s.address + s.moved, count), count);
          set_bytes(top_->s_axis_tdata, beat, BNN_IN_BYTES);
          top_->s_axis_tlast = left <= BNN_IN_BYTES || short_;
          valid = true;
        }
      }
    }
    top_->s_axis_tvalid = valid;
    Channel& r = receiver_;
    bool ready = false;
    if (r.busy && !strike(r) && !r.stuck) {
      if (r.wait > 0) {
        r.wait--;
        if (r.wait == 0 && r.ending) r.finish();
      } else {
        if (r.credit < 2 * BNN_OUT_BYTES + BNN_BUS_BYTES) r.credit += BNN_BUS_BYTES;
        ready = r.credit >= BNN_OUT_BYTES;
      }
    }
    top_->m_axis_tready = ready;
  }

  void moved() {
    if (top_->s_axis_tvalid && top_->s_axis_tready) {
      Channel& s = sender_;
      s.moved += BNN_IN_BYTES;
      s.credit -= s.credit < BNN_IN_BYTES ? s.credit : BNN_IN_BYTES;
      if (top_->s_axis_tlast) {
        short_ = false;
        s.finish();
      }
    }
    if (top_->m_axis_tvalid && top_->m_axis_tready) {
      Channel& r = receiver_;
      if (r.length - r.moved < BNN_OUT_BYTES) {  // a packet longer than the transfer
        r.fail(kInternalError);
        return;
      }
      uint8_t beat[BNN_OUT_BYTES];
      get_bytes(top_->m_axis_tdata, beat, BNN_OUT_BYTES);
      std::memcpy(memory_.at(r.address + r.moved, BNN_OUT_BYTES), beat, BNN_OUT_BYTES);
      r.moved += BNN_OUT_BYTES;
      r.credit -= BNN_OUT_BYTES;
      if (top_->m_axis_tlast) {
        r.length = r.moved;
        r.ending = true;
        r.wait = kEndLatency;
      }
    }
  }

#ifdef BNN_WEIGHT_BYTES
  // Memory behind each port of weights: in order, 20 to 150 cycles to a burst's first word, and
  // nothing for 40 cycles of every 780 while it refreshes.
  void offer_weights() {
#define BNN_OFFER(n, bus)                                                              \
    offer_port(bursts_[n], top_->bus##_arready, top_->bus##_rdata, top_->bus##_rresp,   \
               top_->bus##_rlast, top_->bus##_rid, top_->bus##_rvalid);
    BNN_EACH_PORT(BNN_OFFER)
  }
  template <typename Data, typename Id>
  void offer_port(const std::deque<Burst>& bursts, CData& arready, Data& rdata, CData& rresp, CData& rlast,
                  Id& rid, CData& rvalid) {
    const bool refreshing = cycles_ % 780 < 40;
    arready = bursts.size() < 16 && !refreshing;
    rvalid = !bursts.empty() && !refreshing && cycles_ >= bursts.front().due;
    if (!rvalid) return;
    const Burst& burst = bursts.front();
    uint8_t word[BNN_WEIGHT_BYTES] = {0};
    const uint8_t* from = memory_.at(burst.address, BNN_WEIGHT_BYTES);
    if (from) std::memcpy(word, from, BNN_WEIGHT_BYTES);
    set_bytes(rdata, word, BNN_WEIGHT_BYTES);
    rresp = from ? (read_error_ && read_error_after_ == 0 ? 2 : 0) : 3;
    rlast = burst.words == 1;
    rid = burst.id;
  }
  void moved_weights() {
#define BNN_MOVED(n, bus)                                                              \
    if (top_->bus##_rvalid && top_->bus##_rready) moved_word(bursts_[n]);               \
    if (top_->bus##_arvalid && top_->bus##_arready)                                     \
      asked(bursts_[n], top_->bus##_araddr, top_->bus##_arlen + 1u, top_->bus##_arid);
    BNN_EACH_PORT(BNN_MOVED)
  }
  void moved_word(std::deque<Burst>& bursts) {
    if (read_error_ && read_error_after_-- == 0) read_error_ = false;
    Burst& burst = bursts.front();
    burst.address += BNN_WEIGHT_BYTES;
    if (--burst.words == 0) bursts.pop_front();
  }
  void asked(std::deque<Burst>& bursts, uint64_t address, unsigned words, unsigned id) {
    random_ = random_ * 1664525u + 1013904223u;
    bursts.push_back({address, words, id, cycles_ + 20 + (random_ >> 8) % 131});
  }
#endif

  void cycle() {
    offer();
#ifdef BNN_WEIGHT_BYTES
    offer_weights();
#endif
    if (fabric_reset_ > 0) top_->rst_n = --fabric_reset_ == 0;
    top_->eval();
    moved();
#ifdef BNN_WEIGHT_BYTES
    moved_weights();
#endif
    top_->clk = 1;
    top_->eval();
    top_->clk = 0;
    cycles_++;
  }

  Memory memory_;
  std::unique_ptr<VerilatedContext> context_;
  std::unique_ptr<Vtop> top_;
  Channel sender_;
  Channel receiver_;
  std::deque<Burst> bursts_[3];
  uint64_t cycles_ = 0;
  uint32_t random_ = 1;
  bool read_error_ = false;
  uint64_t read_error_after_ = 0;
  bool short_ = false;
  int fabric_reset_ = 0;
};

Board& of(void* board) { return *static_cast<Board*>(board); }

}  // namespace

extern "C" {
void* board_new(const char* rtl, uint64_t base, uint64_t bytes) {
  try {
    return new Board(rtl, base, bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void board_delete(void* board) { delete &of(board); }
void board_reset(void* board) { of(board).reset_fabric(); }
uint8_t* board_cached(void* board) { return of(board).memory().cached(); }
uint64_t board_cycles(void* board) { return of(board).cycles(); }
int board_flush(void* board, uint64_t offset, uint64_t count) {
  return of(board).memory().flush(offset, count);
}
int board_invalidate(void* board, uint64_t offset, uint64_t count) {
  return of(board).memory().invalidate(offset, count);
}
void board_scramble(void* board, uint64_t offset, uint64_t count) {
  of(board).memory().scramble(offset, count);
}
void board_inject(void* board, int fault, int receive, uint64_t after) {
  of(board).inject(fault, receive, after);
}
uint32_t board_read_register(void* board, uint32_t address) {
  return of(board).read_register(address);
}
void board_write_register(void* board, uint32_t address, uint32_t value) {
  of(board).write_register(address, value);
}
uint32_t board_read_dma(void* board, uint32_t offset, uint64_t patience) {
  return of(board).read_dma(offset, patience);
}
void board_write_dma(void* board, uint32_t offset, uint32_t value) {
  of(board).write_dma(offset, value);
}
}

// Memory that is not coherent: the fabric's view, and the processor's through its caches.
#ifndef BNN_MEMORY_H_
#define BNN_MEMORY_H_

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <new>

class Memory {
 public:
  Memory(uint64_t base, uint64_t bytes)
      : base_(base), bytes_(bytes), fabric_(map(bytes)), cached_(map(bytes)) {}
  ~Memory() {
    munmap(fabric_, bytes_);
    munmap(cached_, bytes_);
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  uint8_t* cached() { return cached_; }
  // What the fabric sees at an address; nullptr where there is no memory.
  uint8_t* at(uint64_t address, uint64_t count) {
    if (address < base_ || !holds(address - base_, count)) return nullptr;
    return fabric_ + (address - base_);
  }
  int flush(uint64_t offset, uint64_t count) { return copy(fabric_, cached_, offset, count); }
  int invalidate(uint64_t offset, uint64_t count) { return copy(cached_, fabric_, offset, count); }
  void scramble(uint64_t offset, uint64_t count) {  // what freshly given memory holds
    if (!holds(offset, count)) return;
    std::memset(fabric_ + offset, 0xA5, count);
    std::memset(cached_ + offset, 0x5A, count);
  }

 private:
  static uint8_t* map(uint64_t bytes) {
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc();
    return static_cast<uint8_t*>(at);
  }
  bool holds(uint64_t offset, uint64_t count) const {
    return offset <= bytes_ && count <= bytes_ - offset;
  }
  int copy(uint8_t* to, const uint8_t* from, uint64_t offset, uint64_t count) {
    if (!holds(offset, count)) return 1;
    std::memcpy(to + offset, from + offset, count);
    return 0;
  }

  const uint64_t base_;
  const uint64_t bytes_;
  uint8_t* fabric_;
  uint8_t* cached_;
};

#endif  // BNN_MEMORY_H_

/* Drives a simulated board through a build's own C header: C99 and C++11.
 *
 *   drive_simulated RTL WEIGHTS|- FRAMES.raw PACKET OUT FAULT RECEIVE AFTER
 *
 * FRAMES.raw holds elements in the model's own order. OUT gets, for each frame, the bytes of the input stream and
 * the results as int32. Before the second packet FAULT is injected, where it is not 0; what it ended with is
 * printed, and the packet is sent again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include NETWORK_HEADER

#define JOIN2(a, b) a##b
#define JOIN(a, b) JOIN2(a, b)
#define L(name) JOIN(LOWER, name)
#define U(name) JOIN(UPPER, name)

#ifdef __cplusplus
extern "C" {
#endif
void *board_new(const char *rtl, uint64_t base, uint64_t bytes);
void board_delete(void *board);
uint8_t *board_cached(void *board);
uint64_t board_cycles(void *board);
int board_flush(void *board, uint64_t offset, uint64_t count);
int board_invalidate(void *board, uint64_t offset, uint64_t count);
void board_scramble(void *board, uint64_t offset, uint64_t count);
void board_inject(void *board, int fault, int receive, uint64_t after);
uint32_t board_read_register(void *board, uint32_t address);
void board_write_register(void *board, uint32_t address, uint32_t value);
uint32_t board_read_dma(void *board, uint32_t offset, uint64_t patience);
void board_write_dma(void *board, uint32_t offset, uint32_t value);
#ifdef __cplusplus
}
#endif

enum { BASE = 0x10000000, SIZE = 1 << 24, PATIENCE = 20000 };

static uint32_t read32(void *board, uint32_t address) {
  if (address - U(_ACCELERATOR_ADDRESS) < U(_ADDRESS_RANGE)) {
    return board_read_register(board, address - U(_ACCELERATOR_ADDRESS));
  }
  return board_read_dma(board, address - U(_DMA_ADDRESS), PATIENCE);
}

static void write32(void *board, uint32_t address, uint32_t value) {
  if (address - U(_ACCELERATOR_ADDRESS) < U(_ADDRESS_RANGE)) {
    board_write_register(board, address - U(_ACCELERATOR_ADDRESS), value);
  } else {
    board_write_dma(board, address - U(_DMA_ADDRESS), value);
  }
}

static uint64_t microseconds(void *board) {
  return (uint64_t)((double)board_cycles(board) / U(_CLOCK_MHZ));
}

static void to_device(void *board, const struct L(_buffer) * buffer, uint32_t bytes) {
  if (board_flush(board, buffer->address - BASE, bytes)) exit(3);
}

static void from_device(void *board, const struct L(_buffer) * buffer, uint32_t bytes) {
  if (board_invalidate(board, buffer->address - BASE, bytes)) exit(3);
}

static uint64_t taken = 0;

static struct L(_buffer) take(void *board, uint32_t bytes) {
  struct L(_buffer) buffer;
  buffer.bytes = board_cached(board) + taken;
  buffer.address = BASE + taken;
  buffer.size = bytes;
  taken += (bytes + 4095u) / 4096u * 4096u;
  if (taken > SIZE) exit(4);
  board_scramble(board, buffer.address - BASE, bytes);
  return buffer;
}

int main(int argc, char **argv) {
  static L(_element) image[U(_INPUT_ELEMENTS)];
  struct L(_device) device;
  struct L(_buffer) in, out;
  enum L(_result) result;
  void *board;
  FILE *frames, *results;
  uint32_t packet, packets = 0, count, i;
  const uint64_t patience = 3000; /* microseconds: what is stuck is simulated for so long */
  if (argc != 9) return 2;
  memset(&device, 0, sizeof device);
  board = board_new(argv[1], BASE, SIZE);
  frames = fopen(argv[3], "rb");
  results = fopen(argv[5], "wb");
  if (!board || !frames || !results) return 2;
  packet = (uint32_t)atoi(argv[4]);
  device.read32 = read32;
  device.write32 = write32;
  device.microseconds = microseconds;
  device.to_device = to_device;
  device.from_device = from_device;
  device.context = board;
#ifdef WEIGHTS
  {
    struct L(_buffer) weights = take(board, U(_WEIGHTS_BYTES));
    FILE *file = fopen(argv[2], "rb");
    if (!file || fread(weights.bytes, 1, weights.size, file) != weights.size) return 2;
    fclose(file);
    weights.address += 4;
    if (L(_open)(&device, &weights) != U(_BAD_ARGUMENT)) return 5; /* not a whole word */
    weights.address -= 4;
    result = L(_open)(&device, &weights);
  }
#else
  result = L(_open)(&device);
#endif
  if (result != U(_OK)) {
    printf("open: %d %s\n", (int)result, L(_result_text)(result));
    return 1;
  }
  in = take(board, packet * U(_INPUT_BYTES));
  out = take(board, packet * U(_OUTPUT_BYTES));
  if (L(_run)(&device, &in, &out, 0, 0) != U(_BAD_ARGUMENT)) return 6;
  if (L(_run)(&device, &in, &out, packet + 1, 0) != U(_BAD_ARGUMENT)) return 6;
  for (;;) {
    for (count = 0; count < packet && fread(image, sizeof image, 1, frames) == 1; count++) {
      L(_pack)(image, in.bytes + count * U(_INPUT_BYTES));
    }
    if (count == 0) break;
    if (++packets == 2 && atoi(argv[6])) {
      board_inject(board, atoi(argv[6]), atoi(argv[7]), (uint64_t)atoi(argv[8]));
      result = L(_run)(&device, &in, &out, count, patience);
      printf("fault: %d flags %u\n", (int)result, (unsigned)device.flags);
    }
    result = L(_run)(&device, &in, &out, count, patience);
    if (result != U(_OK)) {
      printf("run: %d %s\n", (int)result, L(_result_text)(result));
      return 1;
    }
    for (i = 0; i < count; i++) {
      fwrite(in.bytes + i * U(_INPUT_BYTES), 1, U(_INPUT_BYTES), results);
#ifdef TOP_K
      {
        struct L(_best) best[TOP_K];
        L(_unpack)(out.bytes + i * U(_OUTPUT_BYTES), best);
        fwrite(best, sizeof best, 1, results);
      }
#else
      {
        int32_t scores[U(_SCORES)];
        L(_unpack)(out.bytes + i * U(_OUTPUT_BYTES), scores);
        fwrite(scores, sizeof scores, 1, results);
      }
#endif
    }
  }
  printf("frames %u in %u packets\n", (unsigned)L(_get)(&device, U(_REGISTER_FRAMES_OUT)), (unsigned)packets);
  fclose(frames);
  fclose(results);
  if (L(_cycles)(&device) == 0) return 7;
  board_delete(board);
  return 0;
}

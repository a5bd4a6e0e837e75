// Device memory. Each block has pages of its own, which are filled with NaN, end in guard bytes,
// and can be accessed inside DeviceAccess alone. Addresses are never used twice.
//
// With memory protection keys, one instruction opens or closes all blocks. On a processor without
// them, every block is closed, and the first access to one inside DeviceAccess opens it until the
// end of that DeviceAccess: a piece of work touches few of a test's blocks, which can be a
// thousand.
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include "emulated/gpu.hpp"

namespace scimix::emulated {

namespace {

constexpr std::size_t kArena = std::size_t{1} << 40;  // of addresses; memory is taken as needed
constexpr std::size_t kPage = 4096;
constexpr int kPoison = 0xFF;
constexpr unsigned char kGuardByte = 0xA5;

struct Block {
  std::size_t bytes = 0;
  std::size_t mapped = 0;
  bool freed = false;
};

struct Arena {
  unsigned char* start = nullptr;
  std::size_t used = kPage;
  std::size_t held = 0;
  std::size_t capacity = 0;
  std::map<std::uintptr_t, Block> blocks;
  int key = -1;  // of the processor's memory protection keys; -1 where it has none

  Arena() {
    void* const memory =
        mmap(nullptr, kArena, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) die("no addresses for device memory");
    start = static_cast<unsigned char*>(memory);
    const char* const megabytes = std::getenv("SCIMIX_EMULATED_MEGABYTES");
    capacity = (megabytes == nullptr ? std::size_t{8192} : std::strtoull(megabytes, nullptr, 10))
               << 20;
    key = pkey_alloc(0, PKEY_DISABLE_ACCESS);
  }
};

Arena& arena() {
  static Arena& one = *std::make_unique<Arena>().release();
  return one;
}

constexpr int kReadWrite = PROT_READ | PROT_WRITE;

thread_local int accesses = 0;

// Address and bytes of each block that is open, on a processor without keys. It is never destroyed,
// because blocks may be freed while the program ends.
std::vector<std::pair<void*, std::size_t>>& opened() {
  using Opened = std::vector<std::pair<void*, std::size_t>>;
  static thread_local auto& one = *std::make_unique<Opened>().release();
  return one;
}

const std::pair<const std::uintptr_t, Block>* block_of(const void* pointer) {
  const auto address = reinterpret_cast<std::uintptr_t>(pointer);
  auto after = arena().blocks.upper_bound(address);
  if (after == arena().blocks.begin()) return nullptr;
  --after;
  return address < after->first + after->second.mapped ? &*after : nullptr;
}

cudaError_t copy_error(const void* pointer, std::size_t bytes, bool device) {
  const bool there = device ? is_device_range(pointer, bytes) : !is_device_address(pointer);
  return there ? cudaSuccess : cudaErrorInvalidValue;
}

}  // namespace

DeviceAccess::DeviceAccess() {
  if (accesses++ > 0) return;
  install_signal_handlers();
  if (arena().key >= 0) pkey_set(arena().key, 0);
}
DeviceAccess::~DeviceAccess() {
  if (--accesses > 0) return;
  if (arena().key >= 0) {
    pkey_set(arena().key, PKEY_DISABLE_ACCESS);
    return;
  }
  for (const auto& [address, bytes] : opened()) mprotect(address, bytes, PROT_NONE);
  opened().clear();
}

bool open_block(const void* pointer) {
  if (accesses == 0 || arena().key >= 0) return false;
  const auto* const found = block_of(pointer);
  if (found == nullptr || found->second.freed) return false;
  auto* const start = reinterpret_cast<void*>(found->first);
  if (mprotect(start, found->second.mapped, kReadWrite) != 0) die("no memory for a block");
  opened().emplace_back(start, found->second.mapped);
  return true;
}

bool is_device_address(const void* pointer) {
  const auto* const address = static_cast<const unsigned char*>(pointer);
  return address >= arena().start && address < arena().start + kArena;
}

bool is_device_range(const void* pointer, std::size_t bytes) {
  const auto* const found = block_of(pointer);
  return found != nullptr && !found->second.freed &&
         reinterpret_cast<std::uintptr_t>(pointer) + bytes <= found->first + found->second.bytes;
}

std::string describe_address(const void* pointer) {
  const auto* const found = block_of(pointer);
  if (found == nullptr) return "an address outside all blocks";
  const auto offset = reinterpret_cast<std::uintptr_t>(pointer) - found->first;
  return "byte " + std::to_string(offset) + " of a block of " +
         std::to_string(found->second.bytes) + " bytes" +
         (found->second.freed ? " that has been freed" : "");
}

}  // namespace scimix::emulated

using namespace scimix::emulated;

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaMalloc", "cuMemAlloc_v2")) return failed(error);
  if (breaks_capture()) return failed(cudaErrorStreamCaptureUnsupported);
  Arena& all = arena();
  const std::size_t mapped = (std::max<std::size_t>(bytes, 1) + kPage - 1) / kPage * kPage;
  if (all.held + mapped > all.capacity) return failed(cudaErrorMemoryAllocation);
  if (all.used + mapped + kPage > kArena) die("all addresses of device memory are used up");
  unsigned char* const start = all.start + all.used;
  all.used += mapped + kPage;  // a page that nobody may touch lies between blocks
  all.held += mapped;
  if (all.key >= 0 && pkey_mprotect(start, mapped, kReadWrite, all.key) != 0) {
    return failed(cudaErrorMemoryAllocation);
  }
  all.blocks[reinterpret_cast<std::uintptr_t>(start)] = {bytes, mapped, false};
  const DeviceAccess access;
  std::memset(start, kPoison, bytes);
  std::memset(start + bytes, kGuardByte, mapped - bytes);
  *memory = start;
  count_object("memory", 1);
  return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaFree", "cuMemFree_v2")) return failed(error);
  if (breaks_capture()) return failed(cudaErrorStreamCaptureUnsupported);
  run_everything();  // cudaFree waits for the device
  Arena& all = arena();
  const auto found = all.blocks.find(reinterpret_cast<std::uintptr_t>(memory));
  if (found == all.blocks.end() || found->second.freed) return failed(cudaErrorInvalidValue);
  Block& block = found->second;
  {
    const DeviceAccess access;
    const auto* const bytes = static_cast<const unsigned char*>(memory);
    if (!std::all_of(bytes + block.bytes, bytes + block.mapped,
                     [](unsigned char byte) { return byte == kGuardByte; })) {
      report_fault(cudaErrorIllegalAddress, "something was written behind a block of " +
                                                std::to_string(block.bytes) + " bytes");
    }
  }
  block.freed = true;
  count_object("memory", -1);
  all.held -= block.mapped;
  madvise(memory, block.mapped, MADV_DONTNEED);
  mprotect(memory, block.mapped, PROT_NONE);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* target, const void* source, std::size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream) {
  const Lock lock(gpu_mutex());
  // With kind "default", the driver finds out itself where the pointers point.
  const char* driver = "cuMemcpyAsync";
  bool to_device = is_device_address(target);
  bool from_device = is_device_address(source);
  if (kind != cudaMemcpyDefault) {
    to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    driver = kind == cudaMemcpyHostToDevice   ? "cuMemcpyHtoDAsync_v2"
             : kind == cudaMemcpyDeviceToHost ? "cuMemcpyDtoHAsync_v2"
                                              : "cuMemcpyDtoDAsync_v2";
  }
  if (const auto error = enter("cudaMemcpyAsync", driver)) return failed(error);
  if (const auto error = copy_error(target, bytes, to_device)) return failed(error);
  if (const auto error = copy_error(source, bytes, from_device)) return failed(error);
  return enqueue_simple(stream, "cudaMemcpyAsync", [=] {
    const DeviceAccess access;
    std::memcpy(target, source, bytes);
  });
}

cudaError_t cudaMemsetAsync(void* target, int value, std::size_t bytes, cudaStream_t stream) {
  const Lock lock(gpu_mutex());
  if (const auto error = enter("cudaMemsetAsync", "cuMemsetD8Async")) return failed(error);
  if (const auto error = copy_error(target, bytes, /*device=*/true)) return failed(error);
  return enqueue_simple(stream, "cudaMemsetAsync", [=] {
    const DeviceAccess access;
    std::memset(target, value, bytes);
  });
}

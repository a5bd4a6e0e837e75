#include "core/allocator.hpp"

#include <atomic>
#include <bit>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/graph.hpp"

namespace scimix {

namespace {

constexpr std::size_t kFence = 256;          // guard bytes on each side; keeps the alignment
constexpr unsigned char kFenceByte = 0x7F;   // 3e38 as an f32: makes a read out of bounds visible
constexpr unsigned char kPoisonByte = 0xFF;  // a NaN in f64, f32 and bf16

constexpr std::uint64_t kEverybody = 0;  // id of the shared cache; arenas have ids from 1

thread_local const char* current_label = "unnamed";
thread_local std::uint64_t current_arena = kEverybody;

// Rounds a size up to its size class. Each class is at most an eighth larger than the class before,
// so at most 12.5% of a block is wasted, and equal shapes get equal blocks in every step.
std::size_t size_class(std::size_t bytes) {
  if (bytes <= 512) return 512;
  const std::size_t step = std::bit_floor(bytes - 1) / 8;
  return (bytes + step - 1) / step * step;
}

struct Block {
  std::size_t requested = 0;
  std::size_t reserved = 0;
  const char* label = "";
  bool guarded = false;
  std::uint64_t arena = kEverybody;
};

// Free blocks by size.
using Cache = std::map<std::size_t, std::vector<std::byte*>>;

std::byte* take_from(Cache& cache, std::size_t reserved) {
  const auto it = cache.find(reserved);
  if (it == cache.end() || it->second.empty()) return nullptr;
  std::byte* memory = it->second.back();
  it->second.pop_back();
  return memory;
}

class Pool {
 public:
  explicit Pool(Device device) : device_(device) {}
  // Never returns its cached blocks to the system at exit: the CUDA driver may shut down before
  // static objects are destroyed.

  std::byte* take(std::size_t bytes) {
    const std::scoped_lock lock(mutex_);
    // Recorded work has not run yet, so there are no bytes to check.
    const bool guarded = checking_ && !is_capturing();
    const std::size_t reserved = size_class(bytes + (guarded ? 2 * kFence : 0));
    std::byte* memory = from_cache(reserved);
    if (memory == nullptr) memory = from_system(reserved, bytes);
    blocks_[memory] = {bytes, reserved, current_label, guarded, current_arena};
    stats_.in_use += reserved;
    stats_.peak = std::max(stats_.peak, stats_.in_use);
    ++stats_.allocations;
    if (!guarded) return memory;
    fill_bytes(device_, memory, kFenceByte, reserved);
    fill_bytes(device_, memory + kFence, kPoisonByte, bytes);
    return memory + kFence;
  }

  void give(std::byte* pointer) noexcept {
    const std::scoped_lock lock(mutex_);
    auto it = blocks_.find(pointer);
    if (it == blocks_.end()) it = blocks_.find(pointer - kFence);
    if (it == blocks_.end()) return;
    const Block& block = it->second;
    if (block.guarded && checking_ && !is_capturing()) check_fence(it->first, block);
    stats_.in_use -= block.reserved;
    const auto arena = arenas_.find(block.arena);
    (arena == arenas_.end() ? cache_ : arena->second)[block.reserved].push_back(it->first);
    blocks_.erase(it);
  }

  void open_arena(std::uint64_t id) {
    const std::scoped_lock lock(mutex_);
    arenas_[id];
  }
  void close_arena(std::uint64_t id) {
    const std::scoped_lock lock(mutex_);
    for (auto& [reserved, list] : arenas_[id]) {
      auto& free = cache_[reserved];
      free.insert(free.end(), list.begin(), list.end());
    }
    arenas_.erase(id);
  }

  MemoryStats stats() const {
    const std::scoped_lock lock(mutex_);
    return stats_;
  }
  void reset_peak() {
    const std::scoped_lock lock(mutex_);
    stats_.peak = stats_.in_use;
  }
  void release() {
    const std::scoped_lock lock(mutex_);
    release_locked();
  }
  void set_checking(bool on) {
    const std::scoped_lock lock(mutex_);
    checking_ = on;
    violations_.clear();
  }
  std::string violations() {
    const std::scoped_lock lock(mutex_);
    for (const auto& [memory, block] : blocks_) {
      if (block.guarded) check_fence(memory, block);
    }
    return std::exchange(violations_, {});
  }

 private:
  std::byte* from_cache(std::size_t reserved) {
    if (const auto arena = arenas_.find(current_arena); arena != arenas_.end()) {
      if (std::byte* memory = take_from(arena->second, reserved)) return memory;
    }
    return take_from(cache_, reserved);
  }

  std::byte* from_system(std::size_t reserved, std::size_t bytes) {
    void* memory = system_allocate(device_, reserved);
    // Not while a graph is recorded: freeing memory would make the recording invalid.
    if (memory == nullptr && !is_capturing()) {
      release_locked();
      memory = system_allocate(device_, reserved);
    }
    if (memory == nullptr) {
      user_error("out of memory on ", device_, ": ", bytes, " bytes for ", current_label,
                 "; smaller batches, images or networks need less (--batch, --eval-batch), and so "
                 "does --precision bf16; held now:",
                 holders());
    }
    stats_.reserved += reserved;
    ++stats_.system_calls;
    return static_cast<std::byte*>(memory);
  }

  void release_locked() {
    for (auto& [reserved, list] : cache_) {
      for (std::byte* memory : list) system_free(device_, memory, reserved);
      stats_.reserved -= reserved * list.size();
    }
    cache_.clear();
  }

  std::string holders() const {
    std::map<std::string_view, std::size_t> by_label;
    for (const auto& [memory, block] : blocks_) by_label[block.label] += block.reserved;
    std::string out;
    for (const auto& [label, bytes] : by_label) out += text(" ", label, " ", bytes, " B;");
    return out;
  }

  void check_fence(const std::byte* memory, const Block& block) {
    std::vector<std::byte> host(block.reserved);
    copy_to_host(host.data(), device_, memory, block.reserved);
    for (std::size_t i = 0; i < block.reserved; ++i) {
      const bool inside = i >= kFence && i < kFence + block.requested;
      if (inside || host[i] == std::byte{kFenceByte}) continue;
      violations_ += text(block.label, ": byte ",
                          static_cast<std::ptrdiff_t>(i) - static_cast<std::ptrdiff_t>(kFence),
                          " of a block of ", block.requested, " was overwritten\n");
      return;
    }
  }

  Device device_;
  mutable std::mutex mutex_;
  std::unordered_map<std::byte*, Block> blocks_;
  Cache cache_;
  std::unordered_map<std::uint64_t, Cache> arenas_;
  MemoryStats stats_;
  bool checking_ = false;
  std::string violations_;
};

// Pools are never destroyed, so they outlive every tensor, also tensors in static objects.
Pool& pool_of(Device device) {
  static Pool& cpu = *std::make_unique<Pool>(kCpu).release();
  static Pool& cuda = *std::make_unique<Pool>(Device{Device::Kind::cuda, 0}).release();
  return device.is_cpu() ? cpu : cuda;
}

}  // namespace

Memory allocate(Device device, std::size_t bytes) {
  Pool& pool = pool_of(device);
  return {pool.take(bytes), [&pool](std::byte* memory) noexcept { pool.give(memory); }};
}

MemoryStats memory_stats(Device device) {
  return pool_of(device).stats();
}
void reset_peak(Device device) {
  pool_of(device).reset_peak();
}
void release_cached(Device device) {
  pool_of(device).release();
}

MemoryArena::MemoryArena(Device device) : device_(device) {
  static std::atomic<std::uint64_t> last = kEverybody;
  id_ = ++last;
  pool_of(device_).open_arena(id_);
}
MemoryArena::~MemoryArena() {
  pool_of(device_).close_arena(id_);
}
MemoryArena::Scope::Scope(const MemoryArena& arena)
    : outer_(std::exchange(current_arena, arena.id_)) {}
MemoryArena::Scope::~Scope() {
  current_arena = outer_;
}

MemoryLabel::MemoryLabel(const char* name) : outer_(current_label) {
  current_label = name;
}
MemoryLabel::~MemoryLabel() {
  current_label = outer_;
}

MemoryCheck::MemoryCheck() {
  pool_of(kCpu).set_checking(true);
  if (cuda_device_count() > 0) pool_of({Device::Kind::cuda, 0}).set_checking(true);
}
MemoryCheck::~MemoryCheck() {
  pool_of(kCpu).set_checking(false);
  if (cuda_device_count() > 0) pool_of({Device::Kind::cuda, 0}).set_checking(false);
}
std::string MemoryCheck::violations() const {
  std::string found = pool_of(kCpu).violations();
  if (cuda_device_count() > 0) found += pool_of({Device::Kind::cuda, 0}).violations();
  return found;
}

}  // namespace scimix

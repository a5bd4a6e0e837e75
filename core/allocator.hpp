// A caching allocator. Freed blocks are kept by size class and reused, so that a training step in
// the steady state allocates no memory from the system. Each device has one stream that orders all
// work, so a block can be reused as soon as its last owner is destroyed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/device.hpp"

namespace scimix {

struct MemoryStats {
  std::size_t in_use = 0;          // bytes of all blocks that have an owner
  std::size_t peak = 0;            // largest `in_use` since the last reset_peak
  std::size_t reserved = 0;        // bytes taken from the system, cached blocks included
  std::uint64_t system_calls = 0;  // allocations that took memory from the system
  std::uint64_t allocations = 0;   // all allocations
};

// A block of device memory. It returns to the cache when its last owner is destroyed.
using Memory = std::shared_ptr<std::byte>;

// Returns a block of at least `bytes` bytes, with undefined contents. Errors (user): the device is
// out of memory, even after all cached blocks were released; the message lists the bytes in use by
// MemoryLabel.
[[nodiscard]] Memory allocate(Device device, std::size_t bytes);

[[nodiscard]] MemoryStats memory_stats(Device device);
// Sets MemoryStats::peak to the bytes in use now.
void reset_peak(Device device);

// Returns all cached blocks without an owner to the system.
void release_cached(Device device);

// Memory for work that is recorded once and replayed at fixed addresses (core/graph.hpp). While a
// Scope exists, blocks that this thread allocates belong to the arena. A block of the arena always
// returns to the arena when it is freed, so that no other tensor can get memory that a replay
// writes. Destroying an arena returns its free blocks to the shared cache. Blocks still in use
// follow when they are freed.
class MemoryArena {
 public:
  explicit MemoryArena(Device device);
  ~MemoryArena();
  MemoryArena(const MemoryArena&) = delete;
  MemoryArena& operator=(const MemoryArena&) = delete;

  class Scope {
   public:
    explicit Scope(const MemoryArena& arena);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    std::uint64_t outer_;
  };

 private:
  Device device_;
  std::uint64_t id_;
};

// Labels all blocks that this thread allocates while the object exists. An out-of-memory report
// lists bytes by label.
class MemoryLabel {
 public:
  explicit MemoryLabel(const char* name);  // a string literal
  ~MemoryLabel();
  MemoryLabel(const MemoryLabel&) = delete;
  MemoryLabel& operator=(const MemoryLabel&) = delete;

 private:
  const char* outer_;
};

// For tests: while an object exists, every new block is filled with NaN bytes and gets guard bytes
// on both sides, except while a graph is recorded. `violations` lists all blocks, in use or freed,
// whose guard bytes were overwritten. At most one object may exist at a time.
class MemoryCheck {
 public:
  MemoryCheck();
  ~MemoryCheck();
  MemoryCheck(const MemoryCheck&) = delete;
  MemoryCheck& operator=(const MemoryCheck&) = delete;
  [[nodiscard]] std::string violations() const;  // one line per block; empty if there is none
};

}  // namespace scimix

// A caching allocator: freed blocks are kept by size, so that a steady training step asks the
// system for nothing. One stream per device orders all use, so a block is free the moment its last
// tensor goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/device.hpp"

namespace scimix {

struct MemoryStats {
  std::size_t in_use = 0;          // bytes handed out now
  std::size_t peak = 0;            // largest in_use since the last reset_peak
  std::size_t reserved = 0;        // bytes taken from the system
  std::uint64_t system_calls = 0;  // allocations that had to ask the system
  std::uint64_t allocations = 0;   // allocations in all
};

// A block of device memory; freed with its last owner.
using Memory = std::shared_ptr<std::byte>;

// Throws a user error that says who holds how much when the device is out of memory.
[[nodiscard]] Memory allocate(Device device, std::size_t bytes);

[[nodiscard]] MemoryStats memory_stats(Device device);
void reset_peak(Device device);

// Gives cached blocks that nobody uses back to the system.
void release_cached(Device device);

// Memory set aside for what is replayed at fixed addresses (core/graph.hpp). While a scope of it
// lives, this thread's new blocks come from the arena, and blocks of the arena go back to it, now
// and later: nobody else is given memory that a replay writes. An arena that goes gives its free
// blocks to everybody, and those in use when they are freed.
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

// Names what the blocks allocated in this scope are for; out-of-memory reports add up by name.
class MemoryLabel {
 public:
  explicit MemoryLabel(const char* name);  // a string literal
  ~MemoryLabel();
  MemoryLabel(const MemoryLabel&) = delete;
  MemoryLabel& operator=(const MemoryLabel&) = delete;

 private:
  const char* outer_;
};

// While one lives, every new block is filled with NaN bytes and fenced by guard bytes on both
// sides. `violations` lists the blocks (still held, or freed since) whose fence was overwritten.
// For tests; one at a time.
class MemoryCheck {
 public:
  MemoryCheck();
  ~MemoryCheck();
  MemoryCheck(const MemoryCheck&) = delete;
  MemoryCheck& operator=(const MemoryCheck&) = delete;
  [[nodiscard]] std::string violations() const;  // empty when all is well
};

}  // namespace scimix

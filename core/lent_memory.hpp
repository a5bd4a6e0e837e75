// Makes a CPU tensor from memory that something else owns, such as a mapped file.
#pragma once

#include <cstddef>

#include "core/allocator.hpp"

namespace scimix {

// While an object exists, this thread's next allocation on the CPU, which must be for `bytes`
// bytes, gets `memory` instead of a new block. Such memory is not counted by memory_stats.
class LentMemory {
 public:
  LentMemory(Memory memory, std::size_t bytes);
  ~LentMemory();
  LentMemory(const LentMemory&) = delete;
  LentMemory& operator=(const LentMemory&) = delete;
};

}  // namespace scimix

// Counts what the whole process asks of the CUDA driver, libraries included, by CUPTI's callbacks:
// our own counters (core/work.hpp) see only what goes through our own door.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace scimix::test {

// CUPTI was there when this was built, which `counts` needs.
[[nodiscard]] bool can_count_cuda_calls();

// While one lives, calls of the driver are counted by name. One at a time.
class CudaCalls {
 public:
  CudaCalls();
  ~CudaCalls();
  CudaCalls(const CudaCalls&) = delete;
  CudaCalls& operator=(const CudaCalls&) = delete;

  [[nodiscard]] std::map<std::string, std::int64_t> by_name() const;
};

}  // namespace scimix::test

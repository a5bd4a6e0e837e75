// A loop over independent images on all cores.
#pragma once

#include <cstdint>
#include <exception>

namespace scimix {

// Calls f(i) for i in 0 .. count-1, in any order. If calls throw, the exception of the lowest i
// among them is thrown again after the loop (an exception must not leave an OpenMP region).
template <class F>
void parallel_for_images(std::int64_t count, F&& f) {
  std::exception_ptr first;
  std::int64_t first_index = count;
#pragma omp parallel for schedule(dynamic, 16)
  for (std::int64_t i = 0; i < count; ++i) {
    try {
      f(i);
    } catch (...) {
#pragma omp critical(scimix_parallel_for_images)
      if (i < first_index) {
        first_index = i;
        first = std::current_exception();
      }
    }
  }
  if (first) std::rethrow_exception(first);
}

}  // namespace scimix

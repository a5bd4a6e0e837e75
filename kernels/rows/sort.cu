// Sorting by a library: Thrust's radix sort on a GPU, the standard library's sort on a CPU. This is
// the only file that includes Thrust's headers.
#include "kernels/rows/sort.hpp"

#if SCIMIX_GPU_CODE
#include <thrust/execution_policy.h>
#include <thrust/sequence.h>
#include <thrust/sort.h>

#include <cstddef>
#include <unordered_map>

#include "core/cuda.hpp"
#else
#include <algorithm>
#include <numeric>
#endif

namespace scimix::SCIMIX_BACKEND {

namespace {

#if SCIMIX_GPU_CODE

// Gives Thrust its workspace from our caching allocator, because cudaMalloc would synchronise the
// device.
class Workspace {
 public:
  using value_type = char;

  explicit Workspace(Device device) : device_(device) {}
  char* allocate(std::ptrdiff_t bytes) {
    Memory memory = scimix::allocate(device_, static_cast<std::size_t>(bytes));
    char* start = reinterpret_cast<char*>(memory.get());
    held_[start] = std::move(memory);
    return start;
  }
  void deallocate(char* start, std::size_t /*bytes*/) { held_.erase(start); }

 private:
  Device device_;
  std::unordered_map<char*, Memory> held_;
};

void argsort(const Tensor& keys, const Output& order) {
  Workspace workspace(keys.device());
  const auto policy = thrust::cuda::par_nosync(workspace).on(current_stream());
  Tensor sorted = keys.clone();
  auto* first = sorted.data<std::int32_t>();
  auto* positions = order.data<std::int32_t>();
  thrust::sequence(policy, positions, positions + order.numel());
  thrust::stable_sort_by_key(policy, first, first + keys.numel(), positions);
}

#else

void argsort(const Tensor& keys, const Output& order) {
  const auto* key = keys.data<std::int32_t>();
  auto* positions = order.data<std::int32_t>();
  std::iota(positions, positions + order.numel(), 0);
  std::stable_sort(positions, positions + order.numel(),
                   [key](std::int32_t a, std::int32_t b) { return key[a] < key[b]; });
}

#endif

}  // namespace

void stable_argsort(const Tensor& keys, const Output& order) {
  SCIMIX_CHECK(keys.rank() == 1 && order.shape() == keys.shape(), "stable_argsort of ",
               keys.shape(), " into ", order.shape());
  if (keys.numel() > 0) argsort(keys, order);
}

}  // namespace scimix::SCIMIX_BACKEND

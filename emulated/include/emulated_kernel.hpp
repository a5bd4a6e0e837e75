// What a kernel sees of the emulated GPU: the words of CUDA C++ that the project's kernels use, as
// plain C++. core/host_device.hpp includes this header in files that are compiled for it.
//
// A thread of a block is a fiber. Fibers of one block run on one thread of the host, one after the
// other; a barrier or a shuffle switches to the next.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <tuple>
#include <typeinfo>

// One copy for each block, since the blocks that run at the same time run on different host
// threads. `extern __shared__` is not supported: see dynamic_shared.
#undef __shared__
#define __shared__ static thread_local
#undef __launch_bounds__
#define __launch_bounds__(...)

namespace scimix::emulated {

extern constinit thread_local uint3 threadIdx;
extern constinit thread_local uint3 blockIdx;
extern constinit thread_local uint3 gridDim;

// The shared memory whose size the launch gives: filled with NaN, between guard bytes.
[[nodiscard]] unsigned char* dynamic_shared();

void __syncthreads();  // NOLINT: CUDA's name

// A kernel that may be launched early has to wait for the work before it.
void cudaGridDependencySynchronize();                     // NOLINT: CUDA's name
inline void cudaTriggerProgrammaticLaunchCompletion() {}  // NOLINT: CUDA's name

// Returns the bits that the thread `lane ^ mask` of the same warp passes.
[[nodiscard]] std::uint64_t exchange_bits(unsigned participants, std::uint64_t bits, int mask);

template <class T>
T __shfl_xor_sync(unsigned participants, T value, int mask) {  // NOLINT: CUDA's name
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = exchange_bits(participants, bits, mask);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline unsigned atomicAdd(unsigned* target, unsigned value) {
  return __atomic_fetch_add(target, value, __ATOMIC_RELAXED);
}

// Products that no compiler may fuse with an addition.
inline float __fmul_rn(float a, float b) {  // NOLINT: CUDA's name
  const volatile float product = a * b;
  return product;
}
inline double __dmul_rn(double a, double b) {  // NOLINT: CUDA's name
  const volatile double product = a * b;
  return product;
}
inline std::uint64_t __umul64hi(std::uint64_t a, std::uint64_t b) {  // NOLINT: CUDA's name
  __extension__ typedef unsigned __int128 Wide;
  return static_cast<std::uint64_t>((Wide{a} * b) >> 64);
}

// Copies a launch's arguments, and returns a function that is one thread of the kernel.
using Bind = std::function<std::function<void()>(void** arguments)>;

// Makes a kernel known to cudaLaunchKernel, as code that nvcc generates does on a GPU.
void register_kernel(const void* kernel, const std::type_info& type, Bind bind);

template <class... Parameters>
int register_once(void (*kernel)(Parameters...)) {
  register_kernel(reinterpret_cast<const void*>(kernel), typeid(std::tuple<Parameters...>),
                  [kernel](void** arguments) -> std::function<void()> {
                    const auto bind = [&]<std::size_t... I>(std::index_sequence<I...>) {
                      return std::tuple<Parameters...>(*static_cast<Parameters*>(arguments[I])...);
                    };
                    return [kernel, bound = bind(std::index_sequence_for<Parameters...>{})] {
                      std::apply(kernel, bound);  // each thread gets a copy of its own
                    };
                  });
  return 0;
}

template <auto kKernel>
void register_kernel() {
  static const int once = register_once(kKernel);
  static_cast<void>(once);
}

}  // namespace scimix::emulated

namespace scimix {

using emulated::__dmul_rn;
using emulated::__fmul_rn;
using emulated::__shfl_xor_sync;
using emulated::__syncthreads;
using emulated::__umul64hi;
using emulated::atomicAdd;
using emulated::blockIdx;
using emulated::cudaGridDependencySynchronize;
using emulated::cudaTriggerProgrammaticLaunchCompletion;
using emulated::gridDim;
using emulated::threadIdx;

}  // namespace scimix

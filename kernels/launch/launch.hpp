// The only two ways to start a kernel of ours. Only .cu files include this; they are compiled once
// as C++ (SCIMIX_BACKEND=cpu) and once by nvcc (SCIMIX_BACKEND=cuda):
//
//   for_each(n, [=] SCIMIX_KERNEL_FN(std::int64_t i) { ... });        n independent items
//
//   for_each_block(blocks, scratch_bytes, [=] SCIMIX_KERNEL_FN(Block& b) {  items that cooperate
//     float* row = b.scratch<float>(n);                    shared by the block
//     b.each(n, [&](std::int64_t i) { row[i] = ...; });    a phase; a barrier follows it
//     const float sum = b.sum<float>(n, [&](std::int64_t i) { return row[i]; });
//   });
//
// Inside a phase the items run in any order and at the same time, so no item may read what another
// item writes. On the CPU `shuffle_phases` makes the order random, so that a test sees such a
// mistake.
//
// `kBlocks` of for_each and for_each_block is the minimum number of resident blocks per SM
// (`__launch_bounds__`). Without it, the compiler may spill registers to fit one more block
// (scripts/kernel_report.sh shows spills).
//
// Items are addressed by 64-bit indices. Scratch is at most kMostScratchBytes per block.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/error.hpp"
#include "core/host_device.hpp"
#include "core/work.hpp"
#include "kernels/launch/scratch.hpp"

#if SCIMIX_GPU_CODE
#include "core/cuda.hpp"
#include "core/early_launch_cuda.hpp"
#ifdef __CUDACC__
#define SCIMIX_KERNEL_FN __device__
#else
#define SCIMIX_KERNEL_FN
#endif
#else
#include "kernels/launch/launch_cpu.hpp"
#define SCIMIX_KERNEL_FN
#endif

#if SCIMIX_GPU_CODE

namespace scimix::cuda {

inline constexpr int kThreads = 256;
inline constexpr int kWarp = 32;

class Block {
 public:
  __device__ explicit Block(unsigned char* scratch) : scratch_(scratch) {}

  [[nodiscard]] __device__ std::int64_t index() const { return blockIdx.x; }

  template <class T>
  [[nodiscard]] __device__ T* scratch(std::int64_t count) {
    auto* memory = reinterpret_cast<T*>(scratch_ + used_);
    used_ += (count * static_cast<std::int64_t>(sizeof(T)) + 15) / 16 * 16;
    return memory;
  }

  template <class F>
  __device__ void each(std::int64_t n, F f) {
    for (std::int64_t i = threadIdx.x; i < n; i += kThreads) f(i);
    __syncthreads();
  }

  template <class T, class F, class Op>
  [[nodiscard]] __device__ T reduce(std::int64_t n, T init, F f, Op op) {
    T value = init;
    for (std::int64_t i = threadIdx.x; i < n; i += kThreads) value = op(value, f(i));
    for (int offset = kWarp / 2; offset > 0; offset /= 2) {
      value = op(value, __shfl_xor_sync(0xFFFFFFFFU, value, offset));
    }
    __shared__ T partial[kThreads / kWarp];
    if (threadIdx.x % kWarp == 0) partial[threadIdx.x / kWarp] = value;
    __syncthreads();
    value = partial[0];
    for (int w = 1; w < kThreads / kWarp; ++w) value = op(value, partial[w]);
    __syncthreads();
    return value;
  }

  template <class T, class F>
  [[nodiscard]] __device__ T sum(std::int64_t n, F f) {
    return reduce(n, T(0), f, [](T a, T b) { return a + b; });
  }
  template <class T, class F>
  [[nodiscard]] __device__ T max(std::int64_t n, T lowest, F f) {
    return reduce(n, lowest, f, [](T a, T b) { return a < b ? b : a; });
  }

 private:
  unsigned char* scratch_;
  std::int64_t used_ = 0;
};

namespace detail {

// Waits until all work before this kernel in the stream has ended and its results can be read, and
// then allows the next kernel to be launched early. Every kernel begins with this.
__device__ inline void begin_kernel() {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  cudaGridDependencySynchronize();
  cudaTriggerProgrammaticLaunchCompletion();
#endif
}

template <class F, int kBlocks>
__global__ void __launch_bounds__(kThreads, kBlocks) run_each(std::int64_t n, F f) {
  begin_kernel();
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < n;
       i += stride) {
    f(i);
  }
}

template <class F, int kBlocks>
__global__ void __launch_bounds__(kThreads, kBlocks) run_block(F f) {
  begin_kernel();
#ifdef __CUDACC__
  extern __shared__ __align__(16) unsigned char scratch[];
#else
  unsigned char* const scratch = emulated::dynamic_shared();
#endif
  Block block(scratch);
  f(block);
}

// Starts blocks of kThreads threads on the device's stream. All kernels of the project start here.
template <auto kKernel, class... Arguments>
void launch(unsigned blocks, std::size_t scratch_bytes, Arguments... arguments) {
#ifndef __CUDACC__
  emulated::register_kernel<kKernel>();  // code that nvcc generates does this on a GPU
#endif
  // A kernel may use 48 KiB without asking. Of these, 1 KiB is left for the array of Block::reduce.
  constexpr std::size_t kUnasked = 47 * 1024;
  if (scratch_bytes > kUnasked) {
    SCIMIX_CUDA_CHECK(cudaFuncSetAttribute(reinterpret_cast<const void*>(kKernel),
                                           cudaFuncAttributeMaxDynamicSharedMemorySize,
                                           static_cast<int>(scratch_bytes)));
  }
  count_work(Work::kernel);
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(kThreads);
  config.dynamicSmemBytes = scratch_bytes;
  config.stream = current_stream();
  static const bool early = launches_early(reinterpret_cast<const void*>(kKernel));
  cudaLaunchAttribute attribute = early_launch();
  config.attrs = &attribute;
  config.numAttrs = early ? 1 : 0;
  SCIMIX_CUDA_CHECK(cudaLaunchKernelEx(&config, kKernel, arguments...));
}

}  // namespace detail

template <int kBlocks = 0, class F>
void for_each(std::int64_t n, F f) {
  if (n <= 0) return;
  constexpr std::int64_t kMaxBlocks = 1 << 20;
  const std::int64_t blocks = (n + kThreads - 1) / kThreads;
  const auto grid = static_cast<unsigned>(blocks < kMaxBlocks ? blocks : kMaxBlocks);
  detail::launch<&detail::run_each<F, kBlocks>>(grid, 0, n, f);
}

template <int kBlocks = 0, class F>
void for_each_block(std::int64_t blocks, std::size_t scratch_bytes, F f) {
  if (blocks <= 0) return;
  SCIMIX_CHECK(scratch_bytes <= kMostScratchBytes, scratch_bytes, " bytes of scratch, at most ",
               kMostScratchBytes);
  detail::launch<&detail::run_block<F, kBlocks>>(static_cast<unsigned>(blocks), scratch_bytes, f);
}

}  // namespace scimix::cuda

#endif  // SCIMIX_GPU_CODE

// for_each and for_each_block on the CPU; launch.hpp documents them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/error.hpp"
#include "core/work.hpp"
#include "kernels/launch/phase_order.hpp"
#include "kernels/launch/scratch.hpp"

namespace scimix::cpu {

class Block {
 public:
  Block(std::int64_t index, unsigned char* scratch) : index_(index), scratch_(scratch) {}

  [[nodiscard]] std::int64_t index() const { return index_; }

  template <class T>
  [[nodiscard]] T* scratch(std::int64_t count) {
    auto* memory = reinterpret_cast<T*>(scratch_ + used_);
    used_ += (count * static_cast<std::int64_t>(sizeof(T)) + 15) / 16 * 16;
    return memory;
  }

  template <class F>
  void each(std::int64_t n, F f) {
    if (const PhaseOrder order(n); order.shuffled()) {
      for (std::int64_t i = 0; i < n; ++i) f(order[i]);
      return;
    }
    // The items of a phase are independent by contract, so the loop can be vectorised.
#pragma GCC ivdep
    for (std::int64_t i = 0; i < n; ++i) f(i);
  }

  // Sums in sixteen interleaved partial sums, which vectorise and have the same order every time.
  template <class T, class F, class Op>
  [[nodiscard]] T reduce(std::int64_t n, T init, F f, Op op) {
    constexpr int kLanes = 16;
    if (n < kLanes) {
      T value = init;
      for (std::int64_t i = 0; i < n; ++i) value = op(value, f(i));
      return value;
    }
    T lane[kLanes];  // NOLINT: a register array
    for (T& value : lane) value = init;
    std::int64_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
      for (int l = 0; l < kLanes; ++l) lane[l] = op(lane[l], f(i + l));
    }
    for (int l = 0; i < n; ++i, ++l) lane[l] = op(lane[l], f(i));
    for (int half = kLanes / 2; half > 0; half /= 2) {
      for (int l = 0; l < half; ++l) lane[l] = op(lane[l], lane[l + half]);
    }
    return lane[0];
  }

  template <class T, class F>
  [[nodiscard]] T sum(std::int64_t n, F f) {
    return reduce(n, T(0), f, [](T a, T b) { return a + b; });
  }
  template <class T, class F>
  [[nodiscard]] T max(std::int64_t n, T lowest, F f) {
    return reduce(n, lowest, f, [](T a, T b) { return a < b ? b : a; });
  }

 private:
  std::int64_t index_;
  unsigned char* scratch_;
  std::int64_t used_ = 0;
};

template <int kBlocks = 0, class F>
void for_each(std::int64_t n, F f) {
  if (n <= 0) return;
  count_work(Work::kernel);
  if (const PhaseOrder order(n); order.shuffled()) {
    for (std::int64_t i = 0; i < n; ++i) f(order[i]);
    return;
  }
  constexpr std::int64_t kWorthThreads = 1
                                         << 14;  // for fewer items, threads cost more than the loop
#pragma omp parallel if (n >= kWorthThreads)
  {
    // A private copy, because a function that threads use by reference would be reloaded for every
    // item.
    const F local = f;
#pragma omp for simd schedule(static)
    for (std::int64_t i = 0; i < n; ++i) local(i);
  }
}

template <int kBlocks = 0, class F>
void for_each_block(std::int64_t blocks, std::size_t scratch_bytes, F f) {
  if (blocks <= 0) return;
  SCIMIX_CHECK(scratch_bytes <= kMostScratchBytes, scratch_bytes, " bytes of scratch, at most ",
               kMostScratchBytes);
  count_work(Work::kernel);
#pragma omp parallel if (blocks > 1)
  {
    // Scratch is on the stack of the thread, so that a training step allocates nothing.
    alignas(64) unsigned char scratch[kMostScratchBytes];  // NOLINT
#pragma omp for schedule(static)
    for (std::int64_t i = 0; i < blocks; ++i) {
      Block block(i, scratch);
      f(block);
    }
  }
}

}  // namespace scimix::cpu

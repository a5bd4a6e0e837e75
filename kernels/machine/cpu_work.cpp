#include "kernels/machine/cpu_work.hpp"

#include <fmt/format.h>
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "core/threads.hpp"

namespace scimix {

namespace {

// ---- multiply-adds ------------------------------------------------------------------------------

constexpr int kRounds = 1 << 14;
constexpr int kChains = 12;  // independent chains hide the latency of a multiply-add

// Computes kChains chains of dependent multiply-adds in vectors of kLanes floats. A function that
// calls it is compiled for a processor by its attribute `target`, and this body with it.
template <class Vec>
[[gnu::always_inline]] inline void chains(float* out) {
  Vec a[kChains];
  const Vec factor = Vec{} + 0.9999F;
  const Vec term = Vec{} + out[0];
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) a[i] = term + static_cast<float>(i);
  for (int r = 0; r < kRounds; ++r) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) a[i] = a[i] * factor + term;
  }
  Vec sum{};
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) sum += a[i];
  out[0] = sum[0] * 1e-30F;  // so that the compiler keeps the loop
}

template <int kLanes>
using Floats [[gnu::vector_size(kLanes * sizeof(float))]] = float;

struct Width {
  const char* name;
  int lanes;
  void (*run)(float* out);
};

CpuWork multiply_adds(const Width& width) {
  return {.name = width.name,
          .unit = CpuWork::Unit::flops,
          .amount = 2.0 * kChains * kRounds * width.lanes,
          .run = [width](int threads) {
#pragma omp parallel num_threads(threads)
            {
              float out = 1;
              width.run(&out);
            }
          }};
}

#if defined(__x86_64__)
[[gnu::target("avx512f")]] void chains_512(float* out) {
  chains<Floats<16>>(out);
}
[[gnu::target("avx2,fma")]] void chains_256(float* out) {
  chains<Floats<8>>(out);
}

std::vector<Width> widths() {
  std::vector<Width> found;
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) {
    found.push_back({"AVX2 multiply-adds", 8, chains_256});
  }
  if (__builtin_cpu_supports("avx512f") != 0) {
    found.push_back({"AVX-512 multiply-adds", 16, chains_512});
  }
  return found;
}
#else
void chains_128(float* out) {
  chains<Floats<4>>(out);
}
std::vector<Width> widths() {
  return {{"multiply-adds in vectors of 128 bits", 4, chains_128}};
}
#endif

// ---- bandwidth ----------------------------------------------------------------------------------

// The arrays of one thread, each of `floats` elements.
struct Arrays {
  explicit Arrays(std::size_t floats) : a(floats), b(floats, 1), c(floats, 2) {}
  std::vector<float> a, b, c;
};

void triad(Arrays& arrays) {
  const std::size_t n = arrays.a.size();
  float* const a = arrays.a.data();
  const float* const b = arrays.b.data();
  const float* const c = arrays.c.data();
#pragma GCC ivdep
  for (std::size_t i = 0; i < n; ++i) a[i] = b[i] + 0.5F * c[i];
}

struct Cache {
  const char* name;
  std::int64_t bytes;  // a thread's share
};

// Returns the caches whose sizes the system knows. All cores share the third level.
std::vector<Cache> caches() {
  const auto size = [](int name) { return static_cast<std::int64_t>(::sysconf(name)); };
  const Cache all[] = {{"L1 cache", size(_SC_LEVEL1_DCACHE_SIZE)},
                       {"L2 cache", size(_SC_LEVEL2_CACHE_SIZE)},
                       {"L3 cache", size(_SC_LEVEL3_CACHE_SIZE) / thread_count()}};
  std::vector<Cache> known;
  for (const Cache& cache : all) {
    if (cache.bytes > 0) known.push_back(cache);
  }
  return known;
}

// Many passes for each call, so that the start of the threads does not count.
CpuWork reading_and_writing(const Cache& cache) {
  const std::size_t floats = static_cast<std::size_t>(cache.bytes) / 2 / 3 / sizeof(float);
  const auto passes = std::max<std::size_t>(1, (1 << 20) / floats);
  const auto arrays = std::make_shared<std::vector<Arrays>>(
      static_cast<std::size_t>(thread_count()), Arrays(floats));
  return {.name = fmt::format("{} ({:.3g} MB for each thread)", cache.name,
                              static_cast<double>(cache.bytes) / (1 << 20)),
          .unit = CpuWork::Unit::bytes,
          .amount = 12.0 * static_cast<double>(passes * floats),
          .run = [arrays, passes](int threads) {
#pragma omp parallel num_threads(threads)
            {
              Arrays& own = (*arrays)[static_cast<std::size_t>(omp_get_thread_num())];
              for (std::size_t pass = 0; pass < passes; ++pass) triad(own);
            }
          }};
}

}  // namespace

std::vector<CpuWork> cpu_works() {
  std::vector<CpuWork> works;
  for (const Width& width : widths()) works.push_back(multiply_adds(width));
  for (const Cache& cache : caches()) works.push_back(reading_and_writing(cache));
  return works;
}

}  // namespace scimix

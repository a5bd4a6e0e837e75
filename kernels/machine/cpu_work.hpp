// Work that keeps the cores of the CPU busy with nothing but multiply-adds, in each width of vector
// registers that they have, or with nothing but reading and writing one of their caches. The
// benchmark times it, to know what this machine can do at best.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace scimix {

struct CpuWork {
  enum class Unit { flops, bytes };
  std::string name;  // "AVX-512 multiply-adds", "L2 cache (1 MB for each thread)"
  Unit unit;
  double amount;                         // flops or bytes of one thread in one call
  std::function<void(int threads)> run;  // makes one call in each of so many threads
};

// Returns work for at most thread_count() threads. Element type f32. For a cache it is a = b + s c
// (STREAM's triad, McCalpin 1995) over arrays that fill half of a thread's share of it.
[[nodiscard]] std::vector<CpuWork> cpu_works();

}  // namespace scimix

#include "bench/step.hpp"

namespace scimix {

namespace {

// Filled before main by the BenchSteps objects, read-only afterwards.
std::vector<BenchStep>& steps() {
  static std::vector<BenchStep> list;
  return list;
}

}  // namespace

BenchSteps::BenchSteps(const std::function<std::vector<BenchStep>()>& make) {
  for (BenchStep& step : make()) steps().push_back(std::move(step));
}

const std::vector<BenchStep>& all_bench_steps() {
  return steps();
}

}  // namespace scimix

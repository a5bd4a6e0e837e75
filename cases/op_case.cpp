#include "cases/op_case.hpp"

#include <algorithm>

namespace scimix {

namespace {

// Filled before main by the OpCases objects, read-only afterwards.
std::vector<std::function<std::vector<OpCase>()>>& makers() {
  static std::vector<std::function<std::vector<OpCase>()>> list;
  return list;
}

}  // namespace

OpCase timed(OpCase c) {
  c.test = false;
  c.bench = true;
  return c;
}

OpCases::OpCases(std::function<std::vector<OpCase>()> make) {
  makers().push_back(std::move(make));
}

std::vector<OpCase> all_op_cases() {
  std::vector<OpCase> all;
  for (const auto& make : makers()) {
    for (OpCase& c : make()) all.push_back(std::move(c));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const OpCase& a, const OpCase& b) { return a.op < b.op; });
  return all;
}

}  // namespace scimix

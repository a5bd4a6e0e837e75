// One of several ranks that never speak: for code that only asks for its number and theirs.
#pragma once

#include "core/comm.hpp"

namespace scimix::test {

class SilentRank : public Comm {
 public:
  SilentRank(int rank, int size) : Comm(rank, size) {}
  void all_reduce(const Tensor&) override {}
  void all_gather(const Tensor&, const Tensor&) override {}
  void reduce_scatter(const Tensor&, const Tensor&) override {}
  void broadcast(const Tensor&) override {}
  void start_all_reduce(const Tensor&) override {}
  void finish_all_reduces() override {}
  [[nodiscard]] std::vector<double> all_gather(std::span<const double>) override { return {}; }
  void wait_for_device() override {}
};

}  // namespace scimix::test

#include "kernels/conv/conv_plans.hpp"

namespace scimix {

std::ostream& operator<<(std::ostream& out, const ConvProblem& p) {
  static constexpr const char* kNames[] = {"conv_fprop", "conv_dgrad", "conv_wgrad"};
  return out << kNames[static_cast<int>(p.kind)] << ", " << name_of(p.dtype)
             << (p.tf32 ? " (tf32)" : "") << (p.wide_gradient ? " to f32, " : ", ") << p.geometry;
}

ConvProblem with_whole_channels(const ConvProblem& problem) {
  ConvProblem out = problem;
  const Device gpu{Device::Kind::cuda, problem.device};
  out.geometry.c = whole_channels(problem.geometry.c, problem.dtype, gpu);
  out.geometry.k = whole_channels(problem.geometry.k, problem.dtype, gpu);
  return out;
}

}  // namespace scimix

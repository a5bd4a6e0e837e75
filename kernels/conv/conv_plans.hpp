// What cuDNN is asked for, and which execution plans it has for that on a GPU which need not be
// there.
#pragma once

#include <compare>
#include <cstdint>
#include <ostream>
#include <string>

#include "core/dtype.hpp"
#include "kernels/conv/conv.hpp"
#include "kernels/conv/conv_counters.hpp"

namespace scimix {

// What an execution plan depends on.
struct ConvProblem {
  ConvKind kind = ConvKind::fprop;
  DType dtype = DType::f32;    // of the images: f32 or bf16
  bool tf32 = false;           // f32 inputs may be rounded to TF32
  bool wide_gradient = false;  // an f32 weight gradient of bf16 images
  int device = 0;
  Conv2dGeometry geometry;

  friend auto operator<=>(const ConvProblem&, const ConvProblem&) = default;
  friend std::ostream& operator<<(std::ostream& out, const ConvProblem& problem);
};

// Returns the problem with the channels that cuDNN's fast kernels want (whole_channels).
[[nodiscard]] ConvProblem with_whole_channels(const ConvProblem& problem);

// The execution plans of one problem.
struct ConvPlans {
  int offered = 0;  // how many cuDNN proposes, with those whose precision is not the problem's
  bool deterministic = true;  // false if only plans exist whose results differ from run to run
  std::string
      first;  // the name of the first plan that may run and that cuDNN could build; empty for none
  std::string reason;  // what cuDNN said where it has none
};

namespace cuda {
// Returns the plans that cuDNN has for a problem on the GPU of a descriptor: the JSON text of
// cuDNN's device properties. Needs the library, but no GPU. It asks in the same way as conv_fprop,
// conv_dgrad and conv_wgrad do. Errors (bug): a descriptor that cuDNN does not understand.
[[nodiscard]] __attribute__((weak)) ConvPlans conv_plans(const std::string& device_descriptor,
                                                         const ConvProblem& problem);
}  // namespace cuda

}  // namespace scimix

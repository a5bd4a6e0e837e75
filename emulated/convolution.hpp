// A convolution by loops over its definition, on tensors with strides.
#pragma once

#include <cstdint>

namespace scimix::emulated {

enum class ConvolutionKind { fprop, dgrad, wgrad };

// Rounding of inputs before they are multiplied.
enum class Rounding { none, tf32, bf16 };

// Images as N,C,H,W or kernels as K,C,R,S; the strides tell the layout.
struct StridedTensor {
  void* data;
  bool is_bf16;
  std::int64_t size[4];
  std::int64_t stride[4];
};

struct Convolution {
  ConvolutionKind kind;
  StridedTensor x, w, y;  // the output is y, x or w
  std::int64_t pad[2], step[2];
  Rounding rounding;

  // Null, or what does not fit together.
  [[nodiscard]] const char* check() const;
  void run() const;
};

}  // namespace scimix::emulated

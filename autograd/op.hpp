// How an operator registers its test cases. One registry serves the tests and the benchmark.
//
// At the end of autograd/ops/<family>.cpp:
//
//   const OpCases registered{[] {
//     OpCase c{.op = "tanh", .label = "odd size"};
//     c.inputs = {{.shape = {3, 7}}};
//     c.run = [](const Variables& in) { return Variables{tanh(in[0])}; };
//     c.definition = [](const HostArrays& in) { return HostArrays{...}; };   // from its definition
//     return std::vector{c};
//   }};
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/variable.hpp"

namespace scimix {

using Variables = std::vector<Variable>;

// Plain host numbers in row-major order: what a definition computes with.
struct HostArray {
  Shape shape;
  std::vector<double> values;

  explicit HostArray(const Shape& s) : shape(s), values(static_cast<std::size_t>(s.numel())) {}
  double& operator[](std::int64_t i) { return values[static_cast<std::size_t>(i)]; }
  double operator[](std::int64_t i) const { return values[static_cast<std::size_t>(i)]; }
};
using HostArrays = std::vector<HostArray>;

// Random test values of one input.
struct OpInput {
  Shape shape;
  double lo = -1.0;
  double hi = 1.0;
  std::vector<double> kinks = {};  // values are kept at least 0.05 away from these
  bool differentiable = true;
  bool parameter = false;    // stays f32 in a bf16 case (scales, biases, statistics)
  std::int32_t classes = 0;  // > 0: an i32 input with values in 0..classes-1
};

// Relative to the largest magnitude of the expected output. The defaults: f32 carries 24 bits, a
// sum of some thousand terms loses a few; bf16 carries 8 bits, and inputs are rounded to it first.
struct OpTolerance {
  double f32 = 2e-6;
  double bf16 = 1e-2;
};

struct OpCase {
  std::string op;     // the operator's name
  std::string label;  // what is special about these shapes
  std::vector<OpInput> inputs = {};
  std::function<Variables(const Variables&)> run = {};
  // The operator from its mathematical definition, in f64, sharing no code with the kernels.
  std::function<HostArrays(const HostArrays&)> definition = {};
  OpTolerance tolerance = {};
  bool gradient = true;         // check first derivatives
  bool second_gradient = true;  // check second derivatives; false: must throw with the op's name
  bool bf16 = true;
  bool test = true;
  bool bench = false;  // a realistic size: timed by scimix_bench, too big for f64 checks
  double flops = 0;    // of one forward call; bytes are counted from inputs and outputs
};

// Appends to the registry when constructed; OBJECT libraries keep these alive.
class OpCases {
 public:
  explicit OpCases(std::function<std::vector<OpCase>()> make);
};

// All cases, in a stable order (by operator, then as registered).
[[nodiscard]] std::vector<OpCase> all_op_cases();

}  // namespace scimix

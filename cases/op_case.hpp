// The test cases of an operator. One registry of them serves the tests and the benchmark; no other
// program carries it.
//
// A file of this folder, cases/<family>.cpp, registers the cases of a family of operators:
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
#include "cases/host_array.hpp"

namespace scimix {

using Variables = std::vector<Variable>;

// The random test values of one input.
struct OpInput {
  Shape shape;
  double lo = -1.0;
  double hi = 1.0;
  std::vector<double> kinks = {};  // values are kept at least 0.05 away from these
  bool differentiable = true;
  bool parameter = false;    // stays f32 in a bf16 case (scales, biases, statistics)
  std::int32_t classes = 0;  // > 0: an i32 input with values in 0..classes-1
};

// The largest error allowed, relative to the largest magnitude of the expected output. The
// defaults: f32 carries 24 bits, of which a sum of some thousand terms loses a few. bf16 carries 8
// bits, and the inputs are rounded to bf16 first.
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
  bool gradient = true;  // check first derivatives
  // Check second derivatives. Where false, a second derivative must throw with the operator's name.
  bool second_gradient = true;
  bool bf16 = true;
  bool test = true;
  bool bench = false;  // a realistic size: timed by scimix_bench, too big for f64 checks
  double flops = 0;    // of one forward call; bytes are counted from inputs and outputs
};

// Returns the case as one for the benchmark alone: scimix_bench times it, and the tests leave it
// out.
[[nodiscard]] OpCase timed(OpCase c);

// The largest activation of a WRN-28-2 at batch 32: the size at which small operators are timed.
inline const Shape kBenchShape = {32, 32, 32, 32};

// Appends cases to the registry when constructed. This room is an OBJECT library, so that the
// linker keeps objects of this type although nobody names them.
class OpCases {
 public:
  explicit OpCases(std::function<std::vector<OpCase>()> make);
};

// Returns all cases, sorted by operator and then in the order of registration.
[[nodiscard]] std::vector<OpCase> all_op_cases();

}  // namespace scimix

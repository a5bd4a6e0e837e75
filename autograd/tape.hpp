// The tape: operators record their calls on it, backward() and grad() walk it in reverse order.
//
// A derivative is written with Variables and operators, too. With create_graph, the derivative is
// recorded and can be differentiated again.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "autograd/variable.hpp"

namespace scimix {

// The arguments of a vector-Jacobian product: the cotangent of each output (undefined if no
// gradient arrived), and for each input whether its gradient is wanted. A derivative computes only
// what is wanted. That is how a frozen network saves its weight gradients.
//
// `buffer(i)` returns a tensor that the gradient of input i can be written into, of the input's
// shape and type: the parameter's gradient in its slab if that may be overwritten, otherwise new
// memory. Undefined if the gradient is not wanted.
struct Cotangents {
  std::span<const Variable> of_output;
  const std::vector<bool>& wanted;
  std::function<Tensor(int input)> make_buffer = {};

  [[nodiscard]] Tensor buffer(int input) const {
    return wants(input) ? make_buffer(input) : Tensor();
  }

  [[nodiscard]] const Variable& operator[](int output) const {
    return of_output[static_cast<std::size_t>(output)];
  }
  [[nodiscard]] bool wants(int input) const { return wanted[static_cast<std::size_t>(input)]; }
};

// Returns one gradient per input, undefined if it is not wanted or zero. The captures are what the
// operator saves for the backward pass. backward() releases them when it has called the function.
using Vjp = std::function<std::vector<Variable>(const Cotangents&)>;

// Records an operator call. If no input requires a gradient, or under NoGrad, the outputs are
// constants, and `vjp` is dropped with everything it has saved.
[[nodiscard]] Variable record(const char* op, Tensor value, std::vector<Variable> inputs, Vjp vjp);
[[nodiscard]] std::vector<Variable> record_many(const char* op, std::vector<Tensor> values,
                                                std::vector<Variable> inputs, Vjp vjp);

// Adds d(output)/d(leaf), times `seed`, into the grad() of every leaf that requires a gradient. An
// undefined seed means 1; the output must then be a scalar. Releases the graph on the way.
//
// `grads_are_zero` promises that all grad() are zeros. The first gradient of a leaf then overwrites
// its grad() instead of being added.
//
// `on_complete` is called with the grad() of a leaf as soon as that is complete, while the walk
// goes on, so that the gradient can be used concurrently. It is not called for a leaf that misses a
// gradient because an operator returned none. The order of the calls depends only on the graph.
using OnComplete = std::function<void(const Tensor& grad)>;
struct BackwardOptions {
  Variable seed = {};
  bool grads_are_zero = false;
  OnComplete on_complete = {};
};
void backward(const Variable& output, const BackwardOptions& options = {});

// Returns d(outputs)/d(inputs), times the seeds (ones if empty). The result is undefined for an
// input that the outputs do not depend on. With create_graph, the result has a graph of its own and
// the walked graph is kept; otherwise the walked graph is released. The grad() of leaves stays as
// it is.
struct GradOptions {
  bool create_graph = false;
  bool retain_graph = false;  // implied by create_graph
};
[[nodiscard]] std::vector<Variable> grad(std::span<const Variable> outputs,
                                         std::span<const Variable> inputs,
                                         std::span<const Variable> seeds = {},
                                         const GradOptions& options = {});

// While an object exists, operators of this thread record nothing.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool outer_;
};
[[nodiscard]] bool is_recording();

// Returns the gradients of a fused operator computed by its composite form, and records them. A
// fused operator's vjp returns them while is_recording(), so that its second derivative is that of
// the small operators.
[[nodiscard]] std::vector<Variable> vjp_of_composite(
    const std::function<std::vector<Variable>(const std::vector<Variable>&)>& composite,
    const std::vector<Variable>& inputs, const Cotangents& cotangents);

// For operators without a second derivative: throws an error with the operator's name if
// is_recording().
void require_first_order(const char* op);

}  // namespace scimix

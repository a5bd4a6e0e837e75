// The tape: operators record, backward() and grad() walk.
//
// A derivative is itself written with Variables and operators. With create_graph it is recorded
// too, and can be differentiated again.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "autograd/variable.hpp"

namespace scimix {

// What a vector-Jacobian product is given: the cotangent of each output (undefined where no
// gradient arrived), and for each input whether its gradient is wanted. What is not wanted is not
// computed: that is how a frozen path saves its weight gradients.
//
// `room(i)` is a tensor for the whole gradient of input i, of its shape and type: the place of a
// parameter's gradient in its slab, where that may be written at once, or new memory. Undefined
// where the gradient is not wanted.
struct Cotangents {
  std::span<const Variable> of_output;
  const std::vector<bool>& wanted;
  std::function<Tensor(int input)> make_room = {};

  [[nodiscard]] Tensor room(int input) const { return wants(input) ? make_room(input) : Tensor(); }

  [[nodiscard]] const Variable& operator[](int output) const {
    return of_output[static_cast<std::size_t>(output)];
  }
  [[nodiscard]] bool wants(int input) const { return wanted[static_cast<std::size_t>(input)]; }
};

// One gradient per input, undefined where it is not wanted or zero. What it captures is what the
// operator saves for backward; it is released as backward() passes.
using Vjp = std::function<std::vector<Variable>(const Cotangents&)>;

// Records an operator call. Without any input that requires a gradient, or under NoGrad, the
// outputs are constants and `vjp` is dropped with all it has saved.
[[nodiscard]] Variable record(const char* op, Tensor value, std::vector<Variable> inputs, Vjp vjp);
[[nodiscard]] std::vector<Variable> record_many(const char* op, std::vector<Tensor> values,
                                                std::vector<Variable> inputs, Vjp vjp);

// Adds d(output)/d(leaf), times `seed` (ones when undefined: then the output is a scalar), into the
// grad() of every leaf that requires a gradient. Releases the graph as it goes.
//
// `grads_are_zero` promises that all grad() are zeros: then what comes first is written into its
// place rather than added.
//
// `on_complete` is told of the grad() of a leaf as soon as all of it has been added, while the walk
// goes on: what remains to be done with it can be done beside. It is not told of a leaf to which a
// part of the graph sent nothing. The order follows from the graph alone.
using OnComplete = std::function<void(const Tensor& grad)>;
struct BackwardOptions {
  Variable seed = {};
  bool grads_are_zero = false;
  OnComplete on_complete = {};
};
void backward(const Variable& output, const BackwardOptions& options = {});

// d(outputs)/d(inputs), times the seeds (ones when empty). An input that the outputs don't depend
// on gets an undefined Variable. With create_graph the result carries a graph of its own and the
// walked graph stays; otherwise it is released. Leaves' grad() is not touched.
struct GradOptions {
  bool create_graph = false;
  bool retain_graph = false;  // implied by create_graph
};
[[nodiscard]] std::vector<Variable> grad(std::span<const Variable> outputs,
                                         std::span<const Variable> inputs,
                                         std::span<const Variable> seeds = {},
                                         const GradOptions& options = {});

// While one lives, operators of this thread record nothing.
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

// The gradient of a fused operator by its composite form, recorded: what a fused operator's vjp
// returns while is_recording(), so that its second derivative is that of small operators.
[[nodiscard]] std::vector<Variable> vjp_of_composite(
    const std::function<std::vector<Variable>(const std::vector<Variable>&)>& composite,
    const std::vector<Variable>& inputs, const Cotangents& cotangents);

// For operators without a second derivative: throws with the operator's name while recording.
void require_first_order(const char* op);

}  // namespace scimix

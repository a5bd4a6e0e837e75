#include "autograd/tape.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "autograd/ops.hpp"
#include "core/error.hpp"

namespace scimix {

// The state of a Variable, and the recorded call that made it.
struct VariableState {
  Tensor value;
  Tensor grad;  // leaves alone
  bool requires_grad = false;
  std::shared_ptr<Node> node;  // none for a leaf or a constant
  int output = 0;              // which output of the node
};

struct Node {
  const char* op;
  std::uint64_t
      sequence;  // inputs of a node have smaller numbers: walking down is a topological order
  std::vector<Variable> inputs;
  std::size_t output_count;
  Vjp vjp;  // empty once released
};

class Tape {
 public:
  static VariableState& state(const Variable& v) { return *v.state_; }
  static const VariableState* key(const Variable& v) { return v.state_.get(); }
  static Variable make(std::shared_ptr<VariableState> state) {
    Variable out;
    out.state_ = std::move(state);
    return out;
  }
};

namespace {

thread_local bool recording = true;
thread_local std::uint64_t next_sequence = 0;

// Where a walk puts gradients: a leaf of backward(), or an input of grad().
using Targets = std::unordered_map<const VariableState*, Variable>;

// Sums cotangents by (node, output) and finds the next node to visit.
class Walk {
 public:
  Walk(std::span<const Variable> outputs, const Targets* targets) : targets_(targets) {
    for (const Variable& output : outputs) find_useful(output);
  }

  // Calls deliver(target, gradient) for every cotangent that reaches a target.
  template <class Deliver>
  void run(std::span<const Variable> outputs, std::span<const Variable> seeds, bool keep_graph,
           Deliver deliver) {
    for (std::size_t i = 0; i < outputs.size(); ++i) send(outputs[i], seeds[i], deliver);
    while (!pending_.empty()) {
      const auto last = std::prev(pending_.end());
      const std::shared_ptr<Node> node = last->second.node;
      std::vector<Variable> cotangents = std::move(last->second.cotangents);
      pending_.erase(last);
      visit(*node, cotangents, keep_graph, deliver);
    }
  }

 private:
  struct Pending {
    std::shared_ptr<Node> node;
    std::vector<Variable> cotangents;
  };

  [[nodiscard]] bool is_target(const Variable& v) const {
    if (targets_ != nullptr) return targets_->contains(Tape::key(v));
    return v.requires_grad() && v.is_leaf();
  }

  // Does a gradient at `v` reach a target? Depth first with memory, without recursion: graphs are
  // as deep as the network.
  bool find_useful(const Variable& root) {
    struct Frame {
      Node* node;
      std::size_t next;
    };
    std::vector<Frame> stack;
    const auto enter = [&](const Variable& v) {
      Node* node = v.defined() ? Tape::state(v).node.get() : nullptr;
      if (node != nullptr && !useful_.contains(node)) {
        useful_[node] = false;
        stack.push_back({node, 0});
      }
    };
    enter(root);
    while (!stack.empty()) {
      Frame& frame = stack.back();
      if (frame.next == frame.node->inputs.size()) {
        bool useful = false;
        for (const Variable& input : frame.node->inputs) useful = useful || reaches(input);
        useful_[frame.node] = useful;
        stack.pop_back();
        continue;
      }
      const Variable& input = frame.node->inputs[frame.next++];
      // A target's own history is not walked.
      if (input.defined() && !(targets_ != nullptr && is_target(input))) enter(input);
    }
    return reaches(root);
  }

  [[nodiscard]] bool reaches(const Variable& v) const {
    if (!v.defined() || !v.requires_grad()) return false;
    if (is_target(v)) return true;
    const Node* node = Tape::state(v).node.get();
    const auto it = useful_.find(node);
    return it != useful_.end() && it->second;
  }

  template <class Deliver>
  void send(const Variable& to, const Variable& cotangent, Deliver& deliver) {
    if (!cotangent.defined() || !reaches(to)) return;
    SCIMIX_CHECK(cotangent.shape() == to.shape(), "a gradient of shape ", cotangent.shape(),
                 " for a value of shape ", to.shape());
    if (is_target(to)) {
      deliver(to, cotangent);
      return;
    }
    const VariableState& state = Tape::state(to);
    Pending& entry = pending_[state.node->sequence];
    if (entry.node == nullptr) {
      entry.node = state.node;
      entry.cotangents.resize(state.node->output_count);
    }
    Variable& sum = entry.cotangents[static_cast<std::size_t>(state.output)];
    sum = sum.defined() ? add(sum, cotangent) : cotangent;
  }

  template <class Deliver>
  void visit(Node& node, std::vector<Variable>& cotangents, bool keep_graph, Deliver& deliver) {
    SCIMIX_CHECK(node.vjp != nullptr, node.op,
                 ": its graph was released by an earlier backward or grad");
    std::vector<bool> wanted;
    wanted.reserve(node.inputs.size());
    for (const Variable& input : node.inputs) wanted.push_back(reaches(input));
    std::vector<Variable> gradients;
    std::vector<Variable> inputs = node.inputs;
    {
      const MemoryLabel label(node.op);
      gradients = node.vjp({cotangents, wanted});
    }
    SCIMIX_CHECK(gradients.size() == inputs.size(), node.op, ": ", gradients.size(),
                 " gradients for ", inputs.size(), " inputs");
    if (!keep_graph) {
      node.vjp = nullptr;
      node.inputs.clear();
    }
    cotangents.clear();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      send(inputs[i], std::exchange(gradients[i], {}), deliver);
    }
  }

  const Targets* targets_;
  std::unordered_map<const Node*, bool> useful_;
  std::map<std::uint64_t, Pending> pending_;
};

Variable ones_like(const Variable& output) {
  SCIMIX_CHECK(output.value().numel() == 1, "a gradient of ", output.shape(),
               " needs a seed: only a scalar has one of its own");
  const double one = 1.0;
  return Variable(Tensor::from({&one, 1}, output.shape(), output.dtype(), output.device()));
}

std::vector<Variable> seeds_or_ones(std::span<const Variable> outputs,
                                    std::span<const Variable> seeds) {
  SCIMIX_CHECK(seeds.empty() || seeds.size() == outputs.size(), seeds.size(), " seeds for ",
               outputs.size(), " outputs");
  std::vector<Variable> out;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const bool given = !seeds.empty() && seeds[i].defined();
    out.push_back(given ? seeds[i] : ones_like(outputs[i]));
  }
  return out;
}

// Sets the recording flag for a scope.
class Recording {
 public:
  explicit Recording(bool on) : outer_(std::exchange(recording, on)) {}
  ~Recording() { recording = outer_; }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

 private:
  bool outer_;
};

}  // namespace

Variable::Variable(Tensor value, bool requires_grad) : state_(std::make_shared<VariableState>()) {
  state_->value = std::move(value);
  state_->requires_grad = requires_grad;
}

const Tensor& Variable::value() const {
  SCIMIX_CHECK(defined(), "the value of an undefined Variable");
  return state_->value;
}
bool Variable::requires_grad() const {
  return defined() && state_->requires_grad;
}
bool Variable::is_leaf() const {
  return defined() && state_->node == nullptr;
}
const Tensor& Variable::grad() const {
  return state_->grad;
}
void Variable::bind_grad(Tensor grad) const {
  SCIMIX_CHECK(grad.shape() == shape() && grad.dtype() == dtype(), "a gradient buffer of shape ",
               grad.shape(), " for ", shape());
  state_->grad = std::move(grad);
}
void Variable::clear_grad() const {
  state_->grad = Tensor();
}
Variable Variable::detach() const {
  return Variable(value());
}
void Variable::rebind(Tensor value) const {
  SCIMIX_CHECK(is_leaf() && value.shape() == shape() && value.dtype() == dtype(), "rebind of ",
               shape(), " to ", value.shape());
  state_->value = std::move(value);
}

std::vector<Variable> record_many(const char* op, std::vector<Tensor> values,
                                  std::vector<Variable> inputs, Vjp vjp) {
  const bool live = recording && std::any_of(inputs.begin(), inputs.end(),
                                             [](const Variable& v) { return v.requires_grad(); });
  std::shared_ptr<Node> node;
  if (live) {
    node = std::make_shared<Node>(
        Node{op, next_sequence++, std::move(inputs), values.size(), std::move(vjp)});
  }
  std::vector<Variable> outputs;
  outputs.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    outputs.push_back(Tape::make(std::make_shared<VariableState>(
        VariableState{std::move(values[i]), {}, live, node, static_cast<int>(i)})));
  }
  return outputs;
}

Variable record(const char* op, Tensor value, std::vector<Variable> inputs, Vjp vjp) {
  std::vector<Tensor> values;
  values.push_back(std::move(value));
  return record_many(op, std::move(values), std::move(inputs), std::move(vjp)).front();
}

void backward(const Variable& output, const Variable& seed) {
  const NoGrad no_grad;
  const std::span<const Variable> outputs(&output, 1);
  const std::vector<Variable> seeds = seeds_or_ones(outputs, {&seed, 1});
  Walk walk(outputs, nullptr);
  walk.run(outputs, seeds, /*keep_graph=*/false,
           [](const Variable& leaf, const Variable& gradient) {
             VariableState& state = Tape::state(leaf);
             if (state.grad.defined()) {
               accumulate(gradient.value(), state.grad);
             } else {
               state.grad = gradient.value().clone();
             }
           });
}

std::vector<Variable> grad(std::span<const Variable> outputs, std::span<const Variable> inputs,
                           std::span<const Variable> seeds, const GradOptions& options) {
  const Recording mode(options.create_graph);
  Targets found;
  for (const Variable& input : inputs) {
    SCIMIX_CHECK(input.requires_grad(), "grad with respect to a constant of shape ", input.shape());
    found[Tape::key(input)] = Variable();
  }
  const std::vector<Variable> all_seeds = seeds_or_ones(outputs, seeds);
  Walk walk(outputs, &found);
  walk.run(outputs, all_seeds, options.create_graph || options.retain_graph,
           [&](const Variable& input, const Variable& gradient) {
             Variable& sum = found[Tape::key(input)];
             sum = sum.defined() ? add(sum, gradient) : gradient;
           });
  std::vector<Variable> out;
  for (const Variable& input : inputs) out.push_back(found[Tape::key(input)]);
  return out;
}

NoGrad::NoGrad() : outer_(std::exchange(recording, false)) {}
NoGrad::~NoGrad() {
  recording = outer_;
}
bool is_recording() {
  return recording;
}

std::vector<Variable> vjp_of_composite(
    const std::function<std::vector<Variable>(const std::vector<Variable>&)>& composite,
    const std::vector<Variable>& inputs, const Cotangents& cotangents) {
  // Aliases end the inner walk exactly at the operator's inputs, even where one input was computed
  // from another, and tie its result to the history of the originals.
  std::vector<Variable> aliases;
  std::vector<Variable> wanted;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    aliases.push_back(inputs[i].defined() ? identity(inputs[i]) : Variable());
    if (cotangents.wanted[i]) wanted.push_back(aliases.back());
  }
  std::vector<Variable> outputs;
  std::vector<Variable> seeds;
  const std::vector<Variable> values = composite(aliases);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!cotangents.of_output[i].defined()) continue;
    outputs.push_back(values[i]);
    seeds.push_back(cotangents.of_output[i]);
  }
  const auto found = grad(outputs, wanted, seeds, {.create_graph = true});
  std::vector<Variable> out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    out.push_back(cotangents.wanted[i] ? found[next++] : Variable());
  }
  return out;
}

void require_first_order(const char* op) {
  SCIMIX_CHECK(!is_recording(), op, " has no second derivative");
}

}  // namespace scimix

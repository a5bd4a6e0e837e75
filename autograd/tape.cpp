#include "autograd/tape.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "autograd/ops.hpp"
#include "core/error.hpp"
#include "kernels/elementwise/elementwise.hpp"

namespace scimix {

// Describes where the gradient of a value goes. Nodes hold the origins of their inputs, not the
// values: a value stays in memory only if a vjp has captured it.
struct Origin {
  std::shared_ptr<Node> node;  // the call that made the value; none for a leaf
  int output = 0;              // the index of the value among the call's outputs
  Shape shape;
  DType dtype = DType::f32;
  Device device = kCpu;
  Tensor grad = {};  // only of leaves
};

struct VariableState {
  Tensor value;
  std::shared_ptr<Origin> origin;  // none for a constant
};

struct Node {
  const char* op;
  // The inputs of a node have smaller numbers, so that descending numbers are a topological order.
  std::uint64_t sequence;
  std::vector<std::shared_ptr<Origin>> inputs;  // none where an input is a constant
  std::size_t output_count;
  Vjp vjp;  // empty once released

  Node(const char* name, std::uint64_t number, std::vector<std::shared_ptr<Origin>> origins,
       std::size_t outputs, Vjp derivative)
      : op(name),
        sequence(number),
        inputs(std::move(origins)),
        output_count(outputs),
        vjp(std::move(derivative)) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node() { release(); }

  // Frees what backward needs. A loop takes a long history apart, because destructors that call
  // each other once per node would overflow the stack.
  void release() {
    std::vector<std::shared_ptr<Node>> orphans;
    take_apart(orphans);
    while (!orphans.empty()) {
      const std::shared_ptr<Node> node = std::move(orphans.back());
      orphans.pop_back();
      node->take_apart(orphans);
    }
  }

 private:
  // Moves the input nodes that no other node holds to `orphans`.
  void take_apart(std::vector<std::shared_ptr<Node>>& orphans) {
    // The captured values may also hold the history of an input, so they are freed first. The
    // origins below keep every input's node alive until then.
    vjp = nullptr;
    for (std::shared_ptr<Origin>& origin : inputs) {
      if (origin != nullptr && origin.use_count() == 1 && origin->node != nullptr &&
          origin->node.use_count() == 1) {
        orphans.push_back(std::move(origin->node));
      }
      origin = nullptr;
    }
    inputs.clear();
  }
};

class Tape {
 public:
  static const std::shared_ptr<Origin>& origin(const Variable& v) {
    static const std::shared_ptr<Origin> none;
    return v.state_ == nullptr ? none : v.state_->origin;
  }
  static Variable make(Tensor value, std::shared_ptr<Origin> origin) {
    Variable out;
    out.state_ =
        std::make_shared<VariableState>(VariableState{std::move(value), std::move(origin)});
    return out;
  }
};

namespace {

thread_local bool recording = true;
thread_local std::uint64_t next_sequence = 0;

// The inputs of grad(), and the gradients that a walk has found for them.
using Targets = std::unordered_map<const Origin*, Variable>;

// The leaves' gradients that may be overwritten: see Cotangents::buffer.
class LeafBuffers {
 public:
  explicit LeafBuffers(bool open) : open_(open) {}

  // Returns the tensor that the gradient of a node's input i may overwrite; undefined: none.
  [[nodiscard]] Tensor of(std::span<const std::shared_ptr<Origin>> inputs, std::size_t i) const {
    const Origin* leaf = inputs[i].get();
    if (!open_ || leaf == nullptr || leaf->node != nullptr || filled_.contains(leaf)) return {};
    // If a leaf is an input twice, its second gradient is added.
    const bool first = std::none_of(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(i),
                                    [&](const auto& other) { return other.get() == leaf; });
    return first ? leaf->grad : Tensor();
  }
  // Returns true if `gradient` is in the leaf's grad() already. Further gradients are added.
  bool take(const Origin& leaf, const Tensor& gradient) {
    const bool in_place = leaf.grad.defined() && gradient.raw() == leaf.grad.raw();
    filled_.insert(&leaf);
    return in_place;
  }

 private:
  bool open_;
  std::unordered_set<const Origin*> filled_;
};

// Sums cotangents by (node, output) and finds the next node to visit.
class Walk {
 public:
  // Without targets, every leaf is a target: the walk of backward().
  Walk(std::span<const Variable> outputs, const Targets* targets,
       const LeafBuffers* buffers = nullptr)
      : targets_(targets), buffers_(buffers) {
    for (const Variable& output : outputs) find_useful(Tape::origin(output).get());
  }

  // Returns how many gradients may reach each target in the walk: one per input of a useful node.
  [[nodiscard]] std::unordered_map<const Origin*, std::int64_t> arrivals() const {
    std::unordered_map<const Origin*, std::int64_t> counts;
    for (const auto& [node, useful] : useful_) {
      if (!useful) continue;
      for (const auto& input : node->inputs) {
        if (input != nullptr && is_target(*input)) ++counts[input.get()];
      }
    }
    return counts;
  }

  // Calls deliver(target, gradient) for every cotangent that reaches a target.
  template <class Deliver>
  void run(std::span<const Variable> outputs, std::span<const Variable> seeds, bool keep_graph,
           Deliver deliver) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      send(Tape::origin(outputs[i]).get(), seeds[i], deliver);
    }
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

  [[nodiscard]] bool is_target(const Origin& origin) const {
    return targets_ != nullptr ? targets_->contains(&origin) : origin.node == nullptr;
  }

  // Marks the nodes from which a gradient reaches a target. A depth-first search with an explicit
  // stack, since graphs are as deep as the network.
  void find_useful(const Origin* root) {
    struct Frame {
      const Node* node;
      std::size_t next;
    };
    std::vector<Frame> stack;
    const auto enter = [&](const Origin* origin) {
      // A target's own history is not walked.
      if (origin == nullptr || is_target(*origin) || origin->node == nullptr) return;
      if (useful_.emplace(origin->node.get(), false).second) {
        stack.push_back({origin->node.get(), 0});
      }
    };
    enter(root);
    while (!stack.empty()) {
      Frame& frame = stack.back();
      if (frame.next < frame.node->inputs.size()) {
        enter(frame.node->inputs[frame.next++].get());
        continue;
      }
      const auto& inputs = frame.node->inputs;
      // A released node has forgotten its inputs. It counts as useful, so that the walk visits it
      // and reports the mistake.
      const bool released = frame.node->vjp == nullptr;
      useful_[frame.node] =
          released || std::any_of(inputs.begin(), inputs.end(),
                                  [&](const auto& input) { return reaches(input.get()); });
      stack.pop_back();
    }
  }

  [[nodiscard]] bool reaches(const Origin* origin) const {
    if (origin == nullptr) return false;
    if (is_target(*origin)) return true;
    const auto it = useful_.find(origin->node.get());
    return it != useful_.end() && it->second;
  }

  template <class Deliver>
  void send(Origin* to, const Variable& cotangent, Deliver& deliver) {
    if (!cotangent.defined() || !reaches(to)) return;
    SCIMIX_CHECK(cotangent.shape() == to->shape, "a gradient of shape ", cotangent.shape(),
                 " for a value of shape ", to->shape);
    if (is_target(*to)) {
      deliver(*to, cotangent);
      return;
    }
    Pending& entry = pending_[to->node->sequence];
    if (entry.node == nullptr) {
      entry.node = to->node;
      entry.cotangents.resize(to->node->output_count);
    }
    Variable& sum = entry.cotangents[static_cast<std::size_t>(to->output)];
    sum = sum.defined() ? add(sum, cotangent) : cotangent;
  }

  template <class Deliver>
  void visit(Node& node, std::vector<Variable>& cotangents, bool keep_graph, Deliver& deliver) {
    SCIMIX_CHECK(node.vjp != nullptr, node.op,
                 ": its graph was released by an earlier backward or grad");
    std::vector<bool> wanted;
    wanted.reserve(node.inputs.size());
    for (const auto& input : node.inputs) wanted.push_back(reaches(input.get()));
    // A copy, because the node may be released before the gradients are sent.
    const std::vector<std::shared_ptr<Origin>> inputs = node.inputs;
    const auto make_buffer = [&](int input) {
      const auto i = static_cast<std::size_t>(input);
      Tensor buffer = buffers_ != nullptr ? buffers_->of(inputs, i) : Tensor();
      if (buffer.defined()) return buffer;
      const Origin& origin = *inputs[i];
      return Tensor::empty(origin.shape, origin.dtype, origin.device);
    };
    std::vector<Variable> gradients;
    {
      const MemoryLabel label(node.op);
      gradients = node.vjp({cotangents, wanted, make_buffer});
    }
    SCIMIX_CHECK(gradients.size() == inputs.size(), node.op, ": ", gradients.size(),
                 " gradients for ", inputs.size(), " inputs");
    if (!keep_graph) node.release();
    cotangents.clear();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      send(inputs[i].get(), std::exchange(gradients[i], {}), deliver);
    }
  }

  const Targets* targets_;
  const LeafBuffers* buffers_;
  std::unordered_map<const Node*, bool> useful_;
  std::map<std::uint64_t, Pending> pending_;
};

Variable ones_like(const Variable& output) {
  SCIMIX_CHECK(output.value().numel() == 1, "a gradient of ", output.shape(),
               " needs a seed: only a scalar has one of its own");
  Tensor one = Tensor::empty(output.shape(), output.dtype(), output.device());
  fill(one, 1.0);
  return Variable(one);
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
  if (requires_grad) {
    state_->origin = std::make_shared<Origin>();
    state_->origin->shape = value.shape();
    state_->origin->dtype = value.dtype();
    state_->origin->device = value.device();
  }
  state_->value = std::move(value);
}

const Tensor& Variable::value() const {
  SCIMIX_CHECK(defined(), "the value of an undefined Variable");
  return state_->value;
}

bool Variable::requires_grad() const {
  return Tape::origin(*this) != nullptr;
}

bool Variable::is_leaf() const {
  return defined() && (state_->origin == nullptr || state_->origin->node == nullptr);
}

const Tensor& Variable::grad() const {
  SCIMIX_CHECK(requires_grad(), "the gradient of a constant");
  return state_->origin->grad;
}

void Variable::bind_grad(Tensor grad) {
  SCIMIX_CHECK(requires_grad() && grad.shape() == shape() && grad.dtype() == dtype(),
               "a gradient buffer of shape ", grad.shape(), " for ", shape());
  state_->origin->grad = std::move(grad);
}

void Variable::clear_grad() {
  if (requires_grad()) state_->origin->grad = Tensor();
}

Variable Variable::by_copy(Tensor value) const {
  SCIMIX_CHECK(is_leaf() && value.shape() == shape(), "a copy of shape ", value.shape(),
               " of a leaf of shape ", shape());
  return Tape::make(std::move(value), state_->origin);
}

Variable Variable::detach() const {
  return Variable(value());
}

void Variable::rebind(Tensor value) {
  SCIMIX_CHECK(is_leaf() && value.shape() == shape() && value.dtype() == dtype(), "rebind of ",
               shape(), " to ", value.shape());
  if (state_->origin != nullptr) state_->origin->device = value.device();
  state_->value = std::move(value);
}

std::vector<Variable> record_many(const char* op, std::vector<Tensor> values,
                                  std::vector<Variable> inputs, Vjp vjp) {
  const bool live = recording && std::any_of(inputs.begin(), inputs.end(),
                                             [](const Variable& v) { return v.requires_grad(); });
  std::shared_ptr<Node> node;
  if (live) {
    std::vector<std::shared_ptr<Origin>> origins;
    origins.reserve(inputs.size());
    for (const Variable& input : inputs) origins.push_back(Tape::origin(input));
    node = std::make_shared<Node>(op, next_sequence++, std::move(origins), values.size(),
                                  std::move(vjp));
  }
  std::vector<Variable> outputs;
  outputs.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::shared_ptr<Origin> origin;
    if (live) {
      origin = std::make_shared<Origin>(Origin{.node = node,
                                               .output = static_cast<int>(i),
                                               .shape = values[i].shape(),
                                               .dtype = values[i].dtype(),
                                               .device = values[i].device()});
    }
    outputs.push_back(Tape::make(std::move(values[i]), std::move(origin)));
  }
  return outputs;
}

Variable record(const char* op, Tensor value, std::vector<Variable> inputs, Vjp vjp) {
  std::vector<Tensor> values;
  values.push_back(std::move(value));
  return record_many(op, std::move(values), std::move(inputs), std::move(vjp)).front();
}

void backward(const Variable& output, const BackwardOptions& options) {
  const NoGrad no_grad;
  const std::span<const Variable> outputs(&output, 1);
  const std::vector<Variable> seeds = seeds_or_ones(outputs, {&options.seed, 1});
  LeafBuffers buffers(options.grads_are_zero);
  Walk walk(outputs, nullptr, &buffers);
  std::unordered_map<const Origin*, std::int64_t> to_come;
  if (options.on_complete) to_come = walk.arrivals();
  walk.run(outputs, seeds, /*keep_graph=*/false, [&](Origin& leaf, const Variable& gradient) {
    if (!leaf.grad.defined()) {
      leaf.grad = cast(gradient, leaf.dtype).value().clone();
    } else if (!buffers.take(leaf, gradient.value())) {
      accumulate(cast(gradient, leaf.dtype).value(), leaf.grad);
    }
    if (options.on_complete && --to_come[&leaf] == 0) options.on_complete(leaf.grad);
  });
}

std::vector<Variable> grad(std::span<const Variable> outputs, std::span<const Variable> inputs,
                           std::span<const Variable> seeds, const GradOptions& options) {
  const Recording mode(options.create_graph);
  Targets found;
  for (const Variable& input : inputs) {
    SCIMIX_CHECK(input.requires_grad(), "grad with respect to a constant of shape ", input.shape());
    found[Tape::origin(input).get()] = Variable();
  }
  const std::vector<Variable> all_seeds = seeds_or_ones(outputs, seeds);
  Walk walk(outputs, &found);
  walk.run(outputs, all_seeds, options.create_graph || options.retain_graph,
           [&](const Origin& input, const Variable& gradient) {
             Variable& sum = found[&input];
             sum = sum.defined() ? add(sum, gradient) : gradient;
           });
  std::vector<Variable> out;
  for (const Variable& input : inputs) out.push_back(found[Tape::origin(input).get()]);
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
  // Aliases end the inner walk exactly at the operator's inputs, even if one input was computed
  // from another. They also connect the result to the history of the original inputs.
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

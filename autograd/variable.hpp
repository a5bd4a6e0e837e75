// A Variable: a tensor, and the operator call that made it.
#pragma once

#include <memory>
#include <vector>

#include "core/tensor.hpp"

namespace scimix {

struct Node;           // one recorded operator call; tape.hpp
struct VariableState;  // shared by all copies of a Variable

// A handle: copies share value, gradient and history. The member functions that change these are
// non-const. The elements of value() are read-only, because the tape may have saved them.
class Variable {
 public:
  Variable() = default;  // undefined: "no such argument" or "no gradient"

  // A leaf. With requires_grad, backward() adds its gradient into grad().
  explicit Variable(Tensor value, bool requires_grad = false);

  [[nodiscard]] bool defined() const { return state_ != nullptr; }
  [[nodiscard]] const Tensor& value() const;
  [[nodiscard]] const Shape& shape() const { return value().shape(); }
  [[nodiscard]] std::int64_t dim(int axis) const { return value().dim(axis); }
  [[nodiscard]] DType dtype() const { return value().dtype(); }
  [[nodiscard]] Device device() const { return value().device(); }

  [[nodiscard]] bool requires_grad() const;
  [[nodiscard]] bool is_leaf() const;

  // Returns the sum of the gradients that backward() found; undefined before the first one.
  // `bind_grad` sets the tensor (a view of a gradient slab) that backward() adds into.
  [[nodiscard]] const Tensor& grad() const;
  void bind_grad(Tensor grad);
  void clear_grad();

  // Returns this leaf with another tensor as its value, such as a rounded copy. Gradients of
  // whatever is computed from the result go to this leaf.
  [[nodiscard]] Variable by_copy(Tensor value) const;

  // Returns the same value as a constant, through which no gradient flows.
  [[nodiscard]] Variable detach() const;

  // Replaces the value of a leaf by a tensor of the same shape and dtype, e.g. when parameters move
  // into a slab.
  void rebind(Tensor value);

 private:
  friend class Tape;
  std::shared_ptr<VariableState> state_;
};

}  // namespace scimix

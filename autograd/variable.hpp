// A Variable: a tensor, and the operator call that made it.
#pragma once

#include <memory>
#include <vector>

#include "core/tensor.hpp"

namespace scimix {

struct Node;           // one recorded operator call; tape.hpp
struct VariableState;  // shared by all copies of a Variable

// A handle: copies share value, gradient and history. What changes these for all copies is
// non-const; a value that is in use stays as it is, because the tape may have saved it.
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

  // The sum of what backward() found, undefined before the first time. `bind_grad` makes it live in
  // a given tensor (a view of a gradient slab), into which backward() then adds.
  [[nodiscard]] const Tensor& grad() const;
  void bind_grad(Tensor grad);
  void clear_grad();

  // This leaf by a copy of its value in another type, such as a rounded one: what is computed from
  // the copy sends its gradients to the leaf.
  [[nodiscard]] Variable by_copy(Tensor value) const;

  // The same value as a constant: no gradient flows to where it came from.
  [[nodiscard]] Variable detach() const;

  // Replaces the value of a leaf, e.g. when parameters move into a slab. Same shape and dtype.
  void rebind(Tensor value);

 private:
  friend class Tape;
  std::shared_ptr<VariableState> state_;
};

}  // namespace scimix

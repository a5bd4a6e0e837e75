// Parameters and buffers of a network, owned in one place under their PyTorch names.
//
// Layers register what they need in a ParameterStore when they are built; `place` then moves all
// parameters into one slab on the device, those with weight decay first. A network is a store and
// the layers that hold handles into it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/variable.hpp"
#include "core/random.hpp"
#include "core/slab.hpp"

namespace scimix {

// Draws one initial value.
using Init = std::function<double(Random&)>;

[[nodiscard]] Init constant(double value);
[[nodiscard]] Init gaussian(double stddev);

// A handle to one parameter. Use it in a forward pass by calling it: the value is then a constant
// while its store is frozen.
class Parameter {
 public:
  [[nodiscard]] Variable operator()() const;
  // The value for a pass with activations of `dtype`: rounded where that is narrower, which costs
  // nothing where the store keeps such copies.
  [[nodiscard]] Variable in(DType dtype) const;

 private:
  friend class ParameterStore;
  struct State {
    Variable variable;
    Tensor copy;                        // see keep_copies
    std::shared_ptr<const int> frozen;  // depth of Freeze guards on the store
  };
  explicit Parameter(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

class ParameterStore {
 public:
  // Values depend on the seed and the names alone, not on the order of construction.
  explicit ParameterStore(std::uint64_t seed, DType dtype = DType::f32);

  // `decay`: weight decay applies (kernels of convolutions and linear layers, nothing else).
  [[nodiscard]] Parameter add(const std::string& name, const Shape& shape, const Init& init,
                              bool decay);
  // State that is not trained: running statistics. Filled with `value`.
  [[nodiscard]] std::shared_ptr<Tensor> add_buffer(const std::string& name, const Shape& shape,
                                                   double value);

  // Moves everything to the device; afterwards nothing can be added.
  void place(Device device);

  struct Named {
    std::string name;
    Tensor value;
  };
  [[nodiscard]] std::vector<Named> parameters() const;  // in the order of the slab
  [[nodiscard]] std::vector<Named> gradients() const;
  [[nodiscard]] std::vector<Named> buffers() const;
  // The tensors of any slab that has the layout of the parameters (moments, EMA).
  [[nodiscard]] std::vector<Named> views(const Slab& slab) const;

  [[nodiscard]] const SlabLayout& layout() const { return layout_; }
  [[nodiscard]] const Slab& parameter_slab() const { return parameters_; }
  [[nodiscard]] const Slab& gradient_slab() const { return gradients_; }

  // Keeps copies of the parameters in a narrower type, from which passes of that type compute
  // without rounding anew. Whoever changes parameters refreshes them: an optimiser in its update,
  // copy_parameters_from by itself, everybody else by refresh_copies.
  void keep_copies(DType dtype) const;
  void refresh_copies() const;
  [[nodiscard]] const Slab& copy_slab() const { return *copies_; }  // its flat() undefined: none
  // Elements 0 .. decayed_count-1 of the slab take weight decay.
  [[nodiscard]] std::int64_t decayed_count() const { return decayed_count_; }
  [[nodiscard]] std::int64_t parameter_count() const;  // gaps not counted
  [[nodiscard]] DType dtype() const { return dtype_; }

  void zero_grad() const;
  // Both stores must have been built by the same network.
  void copy_parameters_from(const ParameterStore& other) const;
  void copy_buffers_from(const ParameterStore& other) const;

 private:
  friend class Freeze;
  struct Entry {
    std::string name;
    std::shared_ptr<Parameter::State> state;
    bool decay;
  };
  struct Buffer {
    std::string name;
    std::shared_ptr<Tensor> value;
  };

  std::uint64_t seed_;
  DType dtype_;
  std::vector<Entry> entries_;
  std::vector<Buffer> buffers_;
  std::shared_ptr<int> frozen_ = std::make_shared<int>(0);
  SlabLayout layout_;
  Slab parameters_;
  Slab gradients_;
  std::shared_ptr<Slab> copies_ = std::make_shared<Slab>();
  std::int64_t decayed_count_ = 0;
};

// While one lives, the parameters of the store are constants in every forward pass: gradients flow
// through the network to its inputs, and no weight gradient is computed at all.
class Freeze {
 public:
  explicit Freeze(const ParameterStore& store) : depth_(store.frozen_) { ++*depth_; }
  ~Freeze() { --*depth_; }
  Freeze(const Freeze&) = delete;
  Freeze& operator=(const Freeze&) = delete;

 private:
  std::shared_ptr<int> depth_;
};

}  // namespace scimix

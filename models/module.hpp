// The parameters and buffers of a network, under their PyTorch names.
//
// A network consists of a ParameterStore, which owns all parameters, and of layers, which hold
// handles to them. Layers register their parameters in the store when they are constructed. After
// that, `place` moves all parameters into one slab on the device, those with weight decay first.
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

// Draws the initial value of one element.
using Init = std::function<double(Random&)>;

[[nodiscard]] Init constant(double value);
[[nodiscard]] Init gaussian(double stddev);

// A handle to one parameter.
class Parameter {
 public:
  // Returns the parameter for use in a forward pass: a constant while its store is frozen (Freeze).
  [[nodiscard]] Variable operator()() const;
  // Returns the parameter for a forward pass with activations of `dtype`, rounded if `dtype` is
  // narrower. Rounding costs nothing if the store keeps copies of that dtype (keep_copies).
  [[nodiscard]] Variable in(DType dtype) const;

 private:
  friend class ParameterStore;
  struct State {
    Variable variable;
    Tensor copy;                        // rounded copy, see keep_copies; undefined: none
    std::shared_ptr<const int> frozen;  // number of Freeze objects of the store
  };
  explicit Parameter(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

class ParameterStore {
 public:
  // The initial value of a parameter depends only on the seed and the parameter's name.
  explicit ParameterStore(std::uint64_t seed, DType dtype = DType::f32);

  // Registers a parameter. Set `decay` if weight decay applies to it: only for the weights of
  // convolutions and linear layers. Throws Error{bug} if the name exists, or after `place`.
  [[nodiscard]] Parameter add(const std::string& name, const Shape& shape, const Init& init,
                              bool decay);
  // Registers a buffer, which is state that is not trained (running statistics), filled with
  // `value`.
  [[nodiscard]] std::shared_ptr<Tensor> add_buffer(const std::string& name, const Shape& shape,
                                                   double value);

  // Moves all parameters and buffers to the device. No parameter can be added after this.
  void place(Device device);

  struct Named {
    std::string name;
    Tensor value;
  };
  // Return the tensors with their names. Parameters and gradients are views, in the order of the
  // slab.
  [[nodiscard]] std::vector<Named> parameters() const;
  [[nodiscard]] std::vector<Named> gradients() const;
  [[nodiscard]] std::vector<Named> buffers() const;
  // Returns named views of a slab that has the same layout as the parameters (moments, EMA).
  [[nodiscard]] std::vector<Named> views(const Slab& slab) const;

  [[nodiscard]] const SlabLayout& layout() const { return layout_; }
  [[nodiscard]] const Slab& parameter_slab() const { return parameters_; }
  [[nodiscard]] const Slab& gradient_slab() const { return gradients_; }

  // Keeps copies of the parameters in the narrower type `dtype`, so that forward passes in that
  // type need not round the weights again. The copies must be refreshed whenever parameters change.
  // Optimisers and copy_parameters_from do so; all other code that changes parameters must call
  // refresh_copies.
  void keep_copies(DType dtype) const;
  void refresh_copies() const;
  // The slab of the copies. Its flat() is undefined if the store keeps no copies.
  [[nodiscard]] const Slab& copy_slab() const { return *copies_; }
  // Weight decay applies to the elements 0 .. decayed_count-1 of the slab.
  [[nodiscard]] std::int64_t decayed_count() const { return decayed_count_; }
  // Number of trainable values, without the gaps of the slab.
  [[nodiscard]] std::int64_t parameter_count() const;
  [[nodiscard]] DType dtype() const { return dtype_; }

  // Sets all gradients to zero.
  void zero_grad() const;
  // Copy values from the store of a network with the same architecture.
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

// While an object exists, the parameters of the store are constants in every forward pass.
// Gradients then flow through the network to its inputs, and no weight gradients are computed.
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

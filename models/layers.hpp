// The layers of WideResNet. A layer holds its parameters and calls the operator that uses them.
#pragma once

#include <memory>
#include <string>

#include "autograd/ops.hpp"
#include "models/module.hpp"

namespace scimix {

// The mode of batch norm in one forward pass, and the images over which it computes statistics.
struct NormPass {
  NormMode mode = NormMode::train;
  // Numbers of consecutive rows that are normalised by their own statistics; empty: all rows
  // together. In mode `train`, only the first segment updates the running statistics.
  std::vector<std::int64_t> segments = {};
  Comm* ranks = nullptr;  // if set, batch statistics are computed over the images of all ranks
};

// A convolution without bias; weight [K,R,S,C]. For a bf16 input it uses a rounded copy of its f32
// weight.
class ConvLayer {
 public:
  struct Size {
    std::int64_t in, out;
    int kernel = 3;
    int stride = 1;
  };
  // Pads kernel/2 pixels on all sides. The weight starts from a normal distribution of standard
  // deviation sqrt(2 / (kernel^2 out)), as in FixMatch's models.py (docs/method.md, section 3.1).
  ConvLayer(ParameterStore& store, const std::string& name, const Size& size);
  [[nodiscard]] Variable operator()(const Variable& x) const;

 private:
  Parameter weight_;
  Conv2d conv_;
};

// A linear layer from [N,in] to [N,out]; weight [out,in] from Glorot's normal distribution, bias
// [out] from 0. For a bf16 input the result is f32, since losses are computed from it.
class LinearLayer {
 public:
  LinearLayer(ParameterStore& store, const std::string& name, std::int64_t in, std::int64_t out);
  [[nodiscard]] Variable operator()(const Variable& x) const;

 private:
  Parameter weight_;
  Parameter bias_;
};

// Batch norm followed by leaky ReLU, in one operator, over the channels of [N,H,W,C].
class NormActLayer {
 public:
  struct Settings {
    double eps = BatchNorm{}.eps;
    double momentum = BatchNorm{}.momentum;  // weight of a batch in the running statistics
    double slope = 0.1;                      // of the leaky ReLU
  };
  NormActLayer(ParameterStore& store, const std::string& name, std::int64_t channels,
               const Settings& settings);
  [[nodiscard]] Variable operator()(const Variable& x, const NormPass& pass) const;
  // Returns the layer's result for a + b, and the sum itself.
  [[nodiscard]] AddBatchNorm of_sum(const Variable& a, const Variable& b,
                                    const NormPass& pass) const;

 private:
  [[nodiscard]] BatchNorm options(const NormPass& pass) const;

  Settings settings_;
  Parameter gamma_;
  Parameter beta_;
  std::shared_ptr<Tensor> running_mean_;
  std::shared_ptr<Tensor> running_variance_;
};

}  // namespace scimix

// Layers: parameters and the operator that uses them.
#pragma once

#include <memory>
#include <string>

#include "autograd/ops.hpp"
#include "models/module.hpp"

namespace scimix {

// How a forward pass treats batch norm.
struct NormPass {
  NormMode mode = NormMode::train;
  std::vector<std::int64_t> segments = {};  // rows of each segment with statistics of its own
  Comm* ranks = nullptr;                    // batch statistics are those of all ranks; null: own
};

// A convolution without bias; weight [K,R,S,C]. In a bf16 pass it computes with a rounded copy of
// its f32 weight.
class ConvLayer {
 public:
  struct Size {
    std::int64_t in, out;
    int kernel = 3;
    int stride = 1;
  };
  // Padding kernel/2 on all sides; N(0, sqrt(2 / (kernel^2 out))) [METHOD 2, FixMatch models.py].
  ConvLayer(ParameterStore& store, const std::string& name, const Size& size);
  [[nodiscard]] Variable operator()(const Variable& x) const;

 private:
  Parameter weight_;
  Conv2d conv_;
};

// weight [out,in], bias [out]; Glorot normal, bias 0. Its result is f32 in a bf16 pass: logits feed
// losses.
class LinearLayer {
 public:
  LinearLayer(ParameterStore& store, const std::string& name, std::int64_t in, std::int64_t out);
  [[nodiscard]] Variable operator()(const Variable& x) const;

 private:
  Parameter weight_;
  Parameter bias_;
};

// Batch norm and the leaky ReLU after it, in one operator.
class NormActLayer {
 public:
  struct Settings {
    double eps = 1e-3;
    double momentum = 1e-3;  // share of a batch in the running statistics
    double slope = 0.1;
  };
  NormActLayer(ParameterStore& store, const std::string& name, std::int64_t channels,
               const Settings& settings);
  [[nodiscard]] Variable operator()(const Variable& x, const NormPass& pass) const;
  // The same of a + b, and that sum.
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

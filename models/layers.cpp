#include "models/layers.hpp"

#include <cmath>

namespace scimix {

ConvLayer::ConvLayer(ParameterStore& store, const std::string& name, const Size& size)
    : weight_(store.add(
          name + ".weight", {size.out, size.kernel, size.kernel, size.in},
          gaussian(std::sqrt(2.0 / static_cast<double>(size.kernel * size.kernel * size.out))),
          /*decay=*/true)),
      conv_{.stride = size.stride, .pad = size.kernel / 2} {}

Variable ConvLayer::operator()(const Variable& x) const {
  return conv2d(x, weight_.in(x.dtype()), conv_);
}

LinearLayer::LinearLayer(ParameterStore& store, const std::string& name, std::int64_t in,
                         std::int64_t out)
    : weight_(store.add(name + ".weight", {out, in},
                        gaussian(std::sqrt(2.0 / static_cast<double>(in + out))), /*decay=*/true)),
      bias_(store.add(name + ".bias", {out}, constant(0.0), /*decay=*/false)) {}

Variable LinearLayer::operator()(const Variable& x) const {
  const Variable weight = weight_();
  return linear(x.dtype() == weight.dtype() ? x : cast(x, weight.dtype()), weight, bias_());
}

NormActLayer::NormActLayer(ParameterStore& store, const std::string& name, std::int64_t channels,
                           const Settings& settings)
    : settings_(settings),
      gamma_(store.add(name + ".weight", {channels}, constant(1.0), /*decay=*/false)),
      beta_(store.add(name + ".bias", {channels}, constant(0.0), /*decay=*/false)),
      running_mean_(store.add_buffer(name + ".running_mean", {channels}, 0.0)),
      running_variance_(store.add_buffer(name + ".running_var", {channels}, 1.0)) {}

BatchNorm NormActLayer::options(const NormPass& pass) const {
  return {.mode = pass.mode,
          .eps = settings_.eps,
          .momentum = settings_.momentum,
          .slope = settings_.slope,
          .segments = pass.segments,
          .ranks = pass.ranks};
}

Variable NormActLayer::operator()(const Variable& x, const NormPass& pass) const {
  return batch_norm(x, gamma_(), beta_(), {*running_mean_, *running_variance_}, options(pass));
}

AddBatchNorm NormActLayer::of_sum(const Variable& a, const Variable& b,
                                  const NormPass& pass) const {
  return add_batch_norm(a, b, gamma_(), beta_(), {*running_mean_, *running_variance_},
                        options(pass));
}

}  // namespace scimix

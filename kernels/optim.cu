#include "kernels/launch.hpp"
#include "kernels/optim.hpp"

namespace scimix::SCIMIX_BACKEND {

void sgd_update(const Tensor& gradient, const Tensor& lr, const SgdUpdate& options,
                const Tensor& parameter, const Tensor& moment, const Tensor& ema) {
  const std::int64_t n = parameter.numel();
  SCIMIX_CHECK(gradient.numel() == n && moment.numel() == n && ema.numel() == n && lr.numel() == 1,
               "sgd_update: slabs of ", gradient.shape(), ", ", parameter.shape(), ", ",
               moment.shape(), ", ", ema.shape());
  const float* g = gradient.data<float>();
  const float* rate = lr.data<float>();
  float* p = parameter.data<float>();
  float* m = moment.data<float>();
  float* average = ema.data<float>();
  const SgdUpdate o = options;
  for_each(n, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const float decay = i < o.decayed_count ? o.weight_decay : 0.0F;
    const float step = g[i] + decay * p[i];
    const float velocity = o.momentum * m[i] + step;
    const float updated = p[i] - rate[0] * (o.nesterov ? step + o.momentum * velocity : velocity);
    m[i] = velocity;
    p[i] = updated;
    average[i] = o.ema_decay * average[i] + (1.0F - o.ema_decay) * updated;
  });
}

namespace {

// What every element of an update shares, in the type of the elements.
struct AdamNumbers {
  float beta1, rest1;  // rest = 1 - beta
  float beta2, rest2;
  float eps;
  float ema_decay, ema_rest;
};

AdamNumbers numbers_of(const AdamUpdate& o) {
  const auto rest = [](double share) { return static_cast<float>(1.0 - share); };
  return {.beta1 = static_cast<float>(o.beta1),
          .rest1 = rest(o.beta1),
          .beta2 = static_cast<float>(o.beta2),
          .rest2 = rest(o.beta2),
          .eps = static_cast<float>(o.eps),
          .ema_decay = static_cast<float>(o.ema_decay),
          .ema_rest = rest(o.ema_decay)};
}

struct AdamSlabs {
  const float* gradient;
  float* parameter;
  float* moment1;
  float* moment2;
  float* ema;
};

// rates [2]: lr / (1 - beta1^t) and 1 / (1 - beta2^t). Once for all elements and in double: powers
// of numbers near 1 lose all meaning in float.
void bias_correct(const Tensor& step, const AdamUpdate& o, const Tensor& rates) {
  const std::int32_t* made = step.data<std::int32_t>();
  float* out = rates.data<float>();
  const double lr = o.lr;
  const double beta1 = o.beta1;
  const double beta2 = o.beta2;
  for_each(1, [=] SCIMIX_KERNEL_FN(std::int64_t) {
    const double t = static_cast<double>(made[0]) + 1.0;
    out[0] = static_cast<float>(lr / (1.0 - std::pow(beta1, t)));
    out[1] = static_cast<float>(1.0 / (1.0 - std::pow(beta2, t)));
  });
}

template <bool kEma>
void run_adam(std::int64_t n, const AdamSlabs& slabs, const AdamNumbers& numbers,
              const float* rates) {
  const AdamSlabs s = slabs;
  const AdamNumbers o = numbers;
  for_each(n, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const float g = s.gradient[i];
    const float m = o.beta1 * s.moment1[i] + o.rest1 * g;
    const float v = o.beta2 * s.moment2[i] + o.rest2 * g * g;
    const float updated = s.parameter[i] - rates[0] * m / (std::sqrt(v * rates[1]) + o.eps);
    s.moment1[i] = m;
    s.moment2[i] = v;
    s.parameter[i] = updated;
    if constexpr (kEma) s.ema[i] = o.ema_decay * s.ema[i] + o.ema_rest * updated;
  });
}

}  // namespace

void adam_update(const Tensor& gradient, const Tensor& step, const AdamUpdate& options,
                 const Tensor& parameter, const Tensor& moment1, const Tensor& moment2,
                 const Tensor& ema) {
  const std::int64_t n = parameter.numel();
  SCIMIX_CHECK(gradient.numel() == n && moment1.numel() == n && moment2.numel() == n &&
                   (!ema.defined() || ema.numel() == n) && step.numel() == 1,
               "adam_update: slabs of ", gradient.shape(), ", ", parameter.shape(), ", ",
               moment1.shape(), ", ", moment2.shape());
  const Tensor rates = Tensor::empty({2}, DType::f32, parameter.device());
  bias_correct(step, options, rates);
  const AdamSlabs slabs{.gradient = gradient.data<float>(),
                        .parameter = parameter.data<float>(),
                        .moment1 = moment1.data<float>(),
                        .moment2 = moment2.data<float>(),
                        .ema = data_or_null<float>(ema)};
  const auto run = ema.defined() ? run_adam<true> : run_adam<false>;
  run(n, slabs, numbers_of(options), rates.data<float>());
}

}  // namespace scimix::SCIMIX_BACKEND

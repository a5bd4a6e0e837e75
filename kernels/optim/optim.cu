#include "kernels/launch/launch.hpp"
#include "kernels/optim/optim.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// Where rounded copies are written; null: nowhere.
struct Copies {
  bf16* parameter;
  bf16* ema;

  SCIMIX_HD void write(std::int64_t i, float updated) const {
    if (parameter != nullptr) parameter[i] = bf16(updated);
  }
  SCIMIX_HD void write_ema(std::int64_t i, float average) const {
    if (ema != nullptr) ema[i] = bf16(average);
  }
};

Copies copies_in(const RoundedCopies& copies, std::int64_t n) {
  for (const Output* const copy : {&copies.parameter, &copies.ema}) {
    SCIMIX_CHECK(!copy->defined() || copy->numel() == n, "rounded copies ", copy->shape(), " of ",
                 n, " parameters");
  }
  return {data_or_null<bf16>(copies.parameter), data_or_null<bf16>(copies.ema)};
}

template <class T>
void run_sgd(std::int64_t n, const T* g, const float* rate, const SgdUpdate& options, T* p, T* m,
             T* average, const Copies& rounded) {
  const SgdUpdate o = options;
  const Copies copies = rounded;
  for_each(n, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const T decay = i < o.decayed_count ? T(o.weight_decay) : T(0);
    const T momentum = T(o.momentum);
    const T step = g[i] + decay * p[i];
    const T velocity = momentum * m[i] + step;
    const T updated = p[i] - T(rate[0]) * (o.nesterov ? step + momentum * velocity : velocity);
    m[i] = velocity;
    p[i] = updated;
    const T mean = T(o.ema_decay) * average[i] + T(1.0F - o.ema_decay) * updated;
    average[i] = mean;
    copies.write(i, static_cast<float>(updated));
    copies.write_ema(i, static_cast<float>(mean));
  });
}

}  // namespace

void sgd_update(const Tensor& gradient, const Tensor& lr, const SgdUpdate& options,
                const Output& parameter, const Output& moment, const Output& ema,
                const RoundedCopies& copies) {
  const std::int64_t n = parameter.numel();
  SCIMIX_CHECK(gradient.numel() == n && moment.numel() == n && ema.numel() == n && lr.numel() == 1,
               "sgd_update: slabs of ", gradient.shape(), ", ", parameter.shape(), ", ",
               moment.shape(), ", ", ema.shape());
  dispatch_parameter(parameter.dtype(), [&]<class T>(TypeTag<T>) {
    run_sgd<T>(n, gradient.data<T>(), lr.data<float>(), options, parameter.data<T>(),
               moment.data<T>(), ema.data<T>(), copies_in(copies, n));
  });
}

namespace {

// Computes the scalars in double, once for all elements: products of numbers near 1 are too inexact
// in float.
SCIMIX_HD inline AdamScalars adam_scalars(const AdamUpdate& o, double product1, double product2) {
  return {
      .rate = static_cast<float>(o.lr / (1.0 - product1)),
      .correction2 = static_cast<float>(1.0 / (1.0 - product2)),
      .beta1 = static_cast<float>(o.beta1),
      .beta1_rest = static_cast<float>(1.0 - o.beta1),
      .beta2 = static_cast<float>(o.beta2),
      .beta2_rest = static_cast<float>(1.0 - o.beta2),
      .eps = static_cast<float>(o.eps),
      .ema_decay = static_cast<float>(o.ema_decay),
      // Exact, so that the two weights add up to 1 and a parameter that rests is its own average.
      .ema_rest = 1.0F - static_cast<float>(o.ema_decay)};
}

// The data of a Tensor or an Output as AdamScalars.
auto* scalars_in(const auto& operand) {
  SCIMIX_CHECK(operand.numel() == kAdamScalars, "Adam's scalars: ", operand.shape());
  using Float = std::remove_pointer_t<decltype(operand.template data<float>())>;
  using Scalars = std::conditional_t<std::is_const_v<Float>, const AdamScalars, AdamScalars>;
  return reinterpret_cast<Scalars*>(operand.template data<float>());
}

template <class T>
struct AdamSlabs {
  const T* gradient;
  T* parameter;
  T* moment1;
  T* moment2;
  T* ema;
  Copies copies;
};

template <class T, bool kEma>
void run_adam(std::int64_t n, const AdamSlabs<T>& slabs, const AdamScalars* scalars) {
  const AdamSlabs<T> s = slabs;
  for_each(n, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const AdamScalars o = *scalars;
    const T g = s.gradient[i];
    const T m = T(o.beta1) * s.moment1[i] + T(o.beta1_rest) * g;
    const T v = T(o.beta2) * s.moment2[i] + T(o.beta2_rest) * g * g;
    const T updated = s.parameter[i] - T(o.rate) * m / (std::sqrt(v * T(o.correction2)) + T(o.eps));
    s.moment1[i] = m;
    s.moment2[i] = v;
    s.parameter[i] = updated;
    s.copies.write(i, static_cast<float>(updated));
    if constexpr (kEma) {
      const T mean = T(o.ema_decay) * s.ema[i] + T(o.ema_rest) * updated;
      s.ema[i] = mean;
      s.copies.write_ema(i, static_cast<float>(mean));
    }
  });
}

}  // namespace

void set_adam_scalars(const Tensor& step, const AdamUpdate& constants, const Output& scalars) {
  const std::int32_t* made = step.data<std::int32_t>();
  AdamScalars* out = scalars_in(scalars);
  const AdamUpdate o = constants;
  for_each(1, [=] SCIMIX_KERNEL_FN(std::int64_t) {
    const double t = static_cast<double>(made[0]) + 1.0;
    *out = adam_scalars(o, std::pow(o.beta1, t), std::pow(o.beta2, t));
  });
}

void set_adam_scalars_on_schedule(const Tensor& step, const AdamSchedule& schedule,
                                  const Output& products, const Output& scalars) {
  SCIMIX_CHECK(products.numel() == 2, "Adam's products: ", products.shape());
  const std::int32_t* now = step.data<std::int32_t>();
  double* product = products.data<double>();
  AdamScalars* out = scalars_in(scalars);
  const AdamSchedule s = schedule;
  for_each(1, [=] SCIMIX_KERNEL_FN(std::int64_t) {
    const AdamUpdate o = adam_at(s, static_cast<double>(now[0]));
    product[0] *= o.beta1;
    product[1] *= o.beta2;
    *out = adam_scalars(o, product[0], product[1]);
  });
}

void adam_update(const Tensor& gradient, const Tensor& scalars, const Output& parameter,
                 const Output& moment1, const Output& moment2, const Output& ema,
                 const RoundedCopies& copies) {
  const std::int64_t n = parameter.numel();
  SCIMIX_CHECK(gradient.numel() == n && moment1.numel() == n && moment2.numel() == n &&
                   (!ema.defined() || ema.numel() == n),
               "adam_update: slabs of ", gradient.shape(), ", ", parameter.shape(), ", ",
               moment1.shape(), ", ", moment2.shape());
  dispatch_parameter(parameter.dtype(), [&]<class T>(TypeTag<T>) {
    const AdamSlabs<T> slabs{.gradient = gradient.data<T>(),
                             .parameter = parameter.data<T>(),
                             .moment1 = moment1.data<T>(),
                             .moment2 = moment2.data<T>(),
                             .ema = data_or_null<T>(ema),
                             .copies = copies_in(copies, n)};
    const auto run = slabs.ema != nullptr ? run_adam<T, true> : run_adam<T, false>;
    run(n, slabs, scalars_in(scalars));
  });
}

}  // namespace scimix::SCIMIX_BACKEND

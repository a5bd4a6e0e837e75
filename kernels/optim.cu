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

}  // namespace scimix::SCIMIX_BACKEND

#include "kernels/conv/copy_channels.hpp"
#include "kernels/launch/launch.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

template <class T>
void run(const Tensor& x, const Output& y) {
  const T* const from = x.data<T>();
  T* const to = y.data<T>();
  const std::int64_t have = x.dim(-1);
  const std::int64_t want = y.dim(-1);
  for_each(y.numel(), [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const std::int64_t row = i / want;
    const std::int64_t channel = i - row * want;
    to[i] = channel < have ? from[row * have + channel] : T(0);
  });
}

}  // namespace

void copy_channels(const Tensor& x, const Output& y) {
  SCIMIX_CHECK(x.dtype() == y.dtype() && x.rank() >= 1 && y.rank() >= 1 &&
                   x.numel() * y.dim(-1) == y.numel() * x.dim(-1),
               "copy_channels from ", x.shape(), " to ", y.shape());
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) { run<T>(x, y); });
}

}  // namespace scimix::SCIMIX_BACKEND

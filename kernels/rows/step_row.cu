#include "kernels/launch/launch.hpp"
#include "kernels/rows/step_row.hpp"

namespace scimix::SCIMIX_BACKEND {

void take_step_row(const Tensor& table, const Tensor& first, const Tensor& step,
                   const Output& out) {
  SCIMIX_CHECK(table.rank() == 2 && out.numel() == table.dim(1) && table.dim(0) > 0,
               "take_step_row: ", table.shape(), " into ", out.shape());
  const auto rows = static_cast<std::int32_t>(table.dim(0));
  const std::int64_t width = table.dim(1);
  const std::int32_t* from = table.data<std::int32_t>();
  const std::int32_t* begin = first.data<std::int32_t>();
  const std::int32_t* now = step.data<std::int32_t>();
  std::int32_t* to = out.data<std::int32_t>();
  for_each(width, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const std::int32_t row = (now[0] - begin[0]) % rows;
    to[i] = from[(row < 0 ? row + rows : row) * width + i];
  });
}

}  // namespace scimix::SCIMIX_BACKEND

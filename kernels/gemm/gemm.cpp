// The sizes of a matrix product, and the choice between OpenBLAS and the reference on the CPU.
#include "kernels/gemm/gemm.hpp"

#include "kernels/gemm/gemm_openblas.hpp"
#include "kernels/gemm/gemm_reference.hpp"

namespace scimix {

GemmSizes gemm_sizes(const Shape& a, const Shape& b, const Transpose& transpose) {
  SCIMIX_CHECK(a.rank() == 2 && b.rank() == 2, "matrix product of ", a, " and ", b,
               ", expected two matrices");
  const GemmSizes sizes{
      .m = a[transpose.a ? 1 : 0], .n = b[transpose.b ? 0 : 1], .k = a[transpose.a ? 0 : 1]};
  SCIMIX_CHECK(b[transpose.b ? 1 : 0] == sizes.k, "matrix product of ", a,
               transpose.a ? " (transposed)" : "", " and ", b, transpose.b ? " (transposed)" : "",
               ": the inner sizes differ");
  return sizes;
}

GemmSizes check_gemm(const Tensor& a, const Tensor& b, const Tensor& c, const Gemm& options) {
  const GemmSizes sizes = gemm_sizes(a.shape(), b.shape(), options.transpose);
  SCIMIX_CHECK((c.shape() == Shape{sizes.m, sizes.n}), "matrix product of ", a.shape(), " and ",
               b.shape(), " into ", c.shape());
  SCIMIX_CHECK(is_floating(a.dtype()) && a.dtype() == b.dtype() && a.dtype() == c.dtype(),
               "matrix product of ", name_of(a.dtype()), " and ", name_of(b.dtype()), " into ",
               name_of(c.dtype()), ", expected one floating type");
  return sizes;
}

namespace cpu {

void gemm(const Tensor& a, const Tensor& b, const Output& c, const Gemm& options) {
  const GemmSizes sizes = check_gemm(a, b, c, options);
  if (sizes.m == 0 || sizes.n == 0) return;
  count_work(Work::library);
  if (a.dtype() == DType::f64) return reference::gemm(a, b, c, options);
  openblas::gemm(a, b, c, options);
}

}  // namespace cpu

}  // namespace scimix

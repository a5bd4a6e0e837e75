#include "kernels/gemm/gemm_reference.hpp"

namespace scimix::cpu::reference {

namespace {

// The elements of op(matrix): element (i, j) is at i * row + j * column.
struct View {
  const double* data;
  std::int64_t row;
  std::int64_t column;
};

View view(const Tensor& matrix, bool transposed) {
  const std::int64_t width = matrix.dim(1);
  return transposed ? View{matrix.data<double>(), 1, width} : View{matrix.data<double>(), width, 1};
}

}  // namespace

void gemm(const Tensor& a, const Tensor& b, const Output& c, const Gemm& options) {
  const GemmSizes sizes = gemm_sizes(a.shape(), b.shape(), options.transpose);
  const View left = view(a, options.transpose.a);
  const View right = view(b, options.transpose.b);
  double* const out = c.data<double>();
#pragma omp parallel for schedule(static) if (sizes.m * sizes.n * sizes.k > 1 << 14)
  for (std::int64_t i = 0; i < sizes.m; ++i) {
    double* const row = out + i * sizes.n;
    for (std::int64_t j = 0; j < sizes.n; ++j) {
      row[j] = options.beta == 0 ? 0 : options.beta * row[j];
    }
    for (std::int64_t t = 0; t < sizes.k; ++t) {
      const double factor = options.alpha * left.data[i * left.row + t * left.column];
      const double* const from = right.data + t * right.row;
      for (std::int64_t j = 0; j < sizes.n; ++j) row[j] += factor * from[j * right.column];
    }
  }
}

}  // namespace scimix::cpu::reference

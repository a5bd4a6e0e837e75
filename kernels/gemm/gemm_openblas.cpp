#include "kernels/gemm/gemm_openblas.hpp"

#include <cblas.h>
#include <omp.h>

#include <algorithm>

#include "kernels/elementwise/elementwise.hpp"

namespace scimix::cpu::openblas {

namespace {

// A block of rows or of columns of c.
struct Part {
  std::int64_t row = 0;
  std::int64_t rows = 0;
  std::int64_t column = 0;
  std::int64_t columns = 0;
};

void multiply(const Tensor& a, const Tensor& b, const Output& c, const Gemm& options,
              std::int64_t terms, const Part& part) {
  const bool ta = options.transpose.a;
  const bool tb = options.transpose.b;
  // BLAS wants rows of positive length, even of a matrix without columns.
  const auto width = [](const Tensor& t) { return std::max<std::int64_t>(t.dim(1), 1); };
  cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
              static_cast<blasint>(part.rows), static_cast<blasint>(part.columns),
              static_cast<blasint>(terms), static_cast<float>(options.alpha),
              a.data<float>() + (ta ? part.row : part.row * width(a)),
              static_cast<blasint>(width(a)),
              b.data<float>() + (tb ? part.column * width(b) : part.column),
              static_cast<blasint>(width(b)), static_cast<float>(options.beta),
              c.data<float>() + part.row * width(c) + part.column, static_cast<blasint>(width(c)));
}

// Makes OpenBLAS use one thread per call; gemm_f32 splits the product among OpenMP's threads.
// OpenBLAS may have threads of its own, which would spin on the cores that OpenMP's threads need.
void use_one_thread_per_call() {
  static const bool done = [] {
    openblas_set_num_threads(1);
    return true;
  }();
  static_cast<void>(done);
}

void gemm_f32(const Tensor& a, const Tensor& b, const Output& c, const Gemm& options) {
  use_one_thread_per_call();
  const GemmSizes sizes = gemm_sizes(a.shape(), b.shape(), options.transpose);
  const double work = static_cast<double>(sizes.m) * static_cast<double>(sizes.n) *
                      static_cast<double>(std::max<std::int64_t>(sizes.k, 1));
  constexpr double kWorthThreads = 1 << 18;
  constexpr std::int64_t kGrain = 16;  // rows or columns that a register tile takes at once
  const bool by_rows = sizes.m >= sizes.n;
  const std::int64_t tiles = ((by_rows ? sizes.m : sizes.n) + kGrain - 1) / kGrain;
  const int parts = static_cast<int>(std::min<std::int64_t>(omp_get_max_threads(), tiles));
#pragma omp parallel for schedule(static) num_threads(parts) if (work > kWorthThreads)
  for (int i = 0; i < parts; ++i) {
    const std::int64_t end = by_rows ? sizes.m : sizes.n;
    const std::int64_t first = std::min(end, tiles * i / parts * kGrain);
    const std::int64_t last = std::min(end, tiles * (i + 1) / parts * kGrain);
    multiply(a, b, c, options, sizes.k,
             by_rows ? Part{.row = first, .rows = last - first, .columns = sizes.n}
                     : Part{.rows = sizes.m, .column = first, .columns = last - first});
  }
}

Tensor in_f32(const Tensor& tensor) {
  Tensor out = Tensor::empty(tensor.shape(), DType::f32);
  convert(tensor, out);
  return out;
}

}  // namespace

void gemm(const Tensor& a, const Tensor& b, const Output& c, const Gemm& options) {
  if (a.dtype() == DType::f32) return gemm_f32(a, b, c, options);
  Tensor sum = options.beta == 0 ? Tensor::empty(c.shape(), DType::f32) : in_f32(c);
  gemm_f32(in_f32(a), in_f32(b), sum, options);
  convert(sum, c);
}

}  // namespace scimix::cpu::openblas

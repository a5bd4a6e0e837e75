#include "kernels/conv/conv_reference.hpp"

#include <algorithm>

namespace scimix::cpu::reference {

namespace {

// The output positions first <= p < last at which a tap reads inside the input.
struct Range {
  std::int64_t first;
  std::int64_t last;
};

// Returns all p in 0..outputs-1 with 0 <= p stride + r - pad < size.
Range valid_outputs(std::int64_t r, std::int64_t size, std::int64_t outputs,
                    const Conv2dGeometry& g) {
  const std::int64_t lowest = g.pad - r;  // p stride >= lowest
  const std::int64_t first = lowest <= 0 ? 0 : (lowest + g.stride - 1) / g.stride;
  const std::int64_t end = size + lowest;  // p stride < end
  const std::int64_t last = end <= 0 ? 0 : (end + g.stride - 1) / g.stride;
  return {first, std::min(last, outputs)};
}

}  // namespace

void conv_fprop(const Tensor& x, const Tensor& w, const Output& y, const Conv2dGeometry& g) {
  const double* const xs = x.data<double>();
  const double* const ws = w.data<double>();
  double* const ys = y.data<double>();
#pragma omp parallel for collapse(2) schedule(static)
  for (std::int64_t n = 0; n < g.n; ++n) {
    for (std::int64_t p = 0; p < g.p; ++p) {
      double* const row = ys + (n * g.p + p) * g.q * g.k;
      std::fill_n(row, g.q * g.k, 0.0);
      for (std::int64_t r = 0; r < g.r; ++r) {
        const std::int64_t h = p * g.stride + r - g.pad;
        if (h < 0 || h >= g.h) continue;
        for (std::int64_t s = 0; s < g.s; ++s) {
          const Range range = valid_outputs(s, g.w, g.q, g);
          for (std::int64_t q = range.first; q < range.last; ++q) {
            const double* const pixel = xs + ((n * g.h + h) * g.w + q * g.stride + s - g.pad) * g.c;
            for (std::int64_t k = 0; k < g.k; ++k) {
              const double* const tap = ws + ((k * g.r + r) * g.s + s) * g.c;
              double sum = 0;
#pragma omp simd reduction(+ : sum)
              for (std::int64_t c = 0; c < g.c; ++c) sum += pixel[c] * tap[c];
              row[q * g.k + k] += sum;
            }
          }
        }
      }
    }
  }
}

void conv_dgrad(const Tensor& gy, const Tensor& w, const Output& gx, const Conv2dGeometry& g) {
  const double* const gys = gy.data<double>();
  const double* const ws = w.data<double>();
  double* const gxs = gx.data<double>();
#pragma omp parallel for schedule(static)
  for (std::int64_t n = 0; n < g.n; ++n) {
    double* const image = gxs + n * g.h * g.w * g.c;
    std::fill_n(image, g.h * g.w * g.c, 0.0);
    for (std::int64_t r = 0; r < g.r; ++r) {
      for (std::int64_t s = 0; s < g.s; ++s) {
        const Range rows = valid_outputs(r, g.h, g.p, g);
        const Range columns = valid_outputs(s, g.w, g.q, g);
        for (std::int64_t p = rows.first; p < rows.last; ++p) {
          for (std::int64_t q = columns.first; q < columns.last; ++q) {
            const double* const from = gys + ((n * g.p + p) * g.q + q) * g.k;
            double* const to =
                image + ((p * g.stride + r - g.pad) * g.w + q * g.stride + s - g.pad) * g.c;
            for (std::int64_t k = 0; k < g.k; ++k) {
              const double* const tap = ws + ((k * g.r + r) * g.s + s) * g.c;
#pragma omp simd
              for (std::int64_t c = 0; c < g.c; ++c) to[c] += from[k] * tap[c];
            }
          }
        }
      }
    }
  }
}

void conv_wgrad(const Tensor& gy, const Tensor& x, const Output& gw, const Conv2dGeometry& g) {
  const double* const gys = gy.data<double>();
  const double* const xs = x.data<double>();
  double* const gws = gw.data<double>();
#pragma omp parallel for collapse(3) schedule(static)
  for (std::int64_t k = 0; k < g.k; ++k) {
    for (std::int64_t r = 0; r < g.r; ++r) {
      for (std::int64_t s = 0; s < g.s; ++s) {
        double* const tap = gws + ((k * g.r + r) * g.s + s) * g.c;
        std::fill_n(tap, g.c, 0.0);
        const Range rows = valid_outputs(r, g.h, g.p, g);
        const Range columns = valid_outputs(s, g.w, g.q, g);
        for (std::int64_t n = 0; n < g.n; ++n) {
          for (std::int64_t p = rows.first; p < rows.last; ++p) {
            const std::int64_t h = p * g.stride + r - g.pad;
            for (std::int64_t q = columns.first; q < columns.last; ++q) {
              const double factor = gys[((n * g.p + p) * g.q + q) * g.k + k];
              const double* const pixel =
                  xs + ((n * g.h + h) * g.w + q * g.stride + s - g.pad) * g.c;
#pragma omp simd
              for (std::int64_t c = 0; c < g.c; ++c) tap[c] += factor * pixel[c];
            }
          }
        }
      }
    }
  }
}

}  // namespace scimix::cpu::reference

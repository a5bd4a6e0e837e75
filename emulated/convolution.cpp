#include "emulated/convolution.hpp"

#include <vector>

#include "emulated/numbers.hpp"

namespace scimix::emulated {

namespace {

// A tensor in memory order [a][h][w][b] = N,H,W,C or K,R,S,C, with the numbers as f64.
struct Packed {
  std::int64_t first, height, width, channels;
  std::vector<double> values;

  explicit Packed(const StridedTensor& t)
      : first(t.size[0]),
        height(t.size[2]),
        width(t.size[3]),
        channels(t.size[1]),
        values(static_cast<std::size_t>(t.size[0] * t.size[1] * t.size[2] * t.size[3])) {}

  double* at(std::int64_t n, std::int64_t h, std::int64_t w) {
    return values.data() + ((n * height + h) * width + w) * channels;
  }
};

// Calls f(place in memory order, element's place by strides).
template <class F>
void each_element(const StridedTensor& t, F f) {
  std::size_t place = 0;
  for (std::int64_t n = 0; n < t.size[0]; ++n) {
    for (std::int64_t h = 0; h < t.size[2]; ++h) {
      for (std::int64_t w = 0; w < t.size[3]; ++w) {
        const std::int64_t base = n * t.stride[0] + h * t.stride[2] + w * t.stride[3];
        for (std::int64_t c = 0; c < t.size[1]; ++c) f(place++, base + c * t.stride[1]);
      }
    }
  }
}

float rounded(float value, Rounding rounding) {
  switch (rounding) {
    case Rounding::none:
      break;
    case Rounding::tf32:
      return to_tf32(value);
    case Rounding::bf16:
      return from_bf16(to_bf16(value));
  }
  return value;
}

Packed gathered(const StridedTensor& t, Rounding rounding) {
  Packed out(t);
  each_element(t, [&](std::size_t place, std::int64_t element) {
    out.values[place] = rounded(read_element(t.data, t.is_bf16, element), rounding);
  });
  return out;
}

void scattered(const Packed& from, const StridedTensor& t) {
  each_element(t, [&](std::size_t place, std::int64_t element) {
    write_element(t.data, t.is_bf16, element, static_cast<float>(from.values[place]));
  });
}

// Calls f(image, row and column of y, row and column of x, row and column of w) for all taps
// inside.
template <class F>
void each_tap(const Convolution& c, F f) {
  for (std::int64_t n = 0; n < c.y.size[0]; ++n) {
    for (std::int64_t p = 0; p < c.y.size[2]; ++p) {
      for (std::int64_t q = 0; q < c.y.size[3]; ++q) {
        for (std::int64_t r = 0; r < c.w.size[2]; ++r) {
          const std::int64_t h = p * c.step[0] + r - c.pad[0];
          if (h < 0 || h >= c.x.size[2]) continue;
          for (std::int64_t s = 0; s < c.w.size[3]; ++s) {
            const std::int64_t v = q * c.step[1] + s - c.pad[1];
            if (v < 0 || v >= c.x.size[3]) continue;
            f(n, p, q, h, v, r, s);
          }
        }
      }
    }
  }
}

}  // namespace

const char* Convolution::check() const {
  if (x.size[0] != y.size[0]) return "x and y have different numbers of images";
  if (x.size[1] != w.size[1]) return "x and w have different numbers of channels";
  if (y.size[1] != w.size[0]) return "y has another number of channels than w has kernels";
  for (int i = 0; i < 2; ++i) {
    const std::int64_t room = x.size[i + 2] + 2 * pad[i] - w.size[i + 2];
    if (room < 0 || y.size[i + 2] != room / step[i] + 1)
      return "the size of y does not fit x and w";
  }
  return nullptr;
}

void Convolution::run() const {
  const std::int64_t channels = x.size[1];
  const std::int64_t kernels = w.size[0];
  if (kind == ConvolutionKind::fprop) {
    Packed images = gathered(x, rounding);
    Packed weights = gathered(w, rounding);
    Packed out(y);
    each_tap(*this, [&](auto n, auto p, auto q, auto h, auto v, auto r, auto s) {
      const double* const pixel = images.at(n, h, v);
      double* const to = out.at(n, p, q);
      for (std::int64_t k = 0; k < kernels; ++k) {
        const double* const tap = weights.at(k, r, s);
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (std::int64_t c = 0; c < channels; ++c) sum += pixel[c] * tap[c];
        to[k] += sum;
      }
    });
    scattered(out, y);
  } else if (kind == ConvolutionKind::dgrad) {
    Packed gradients = gathered(y, rounding);
    Packed weights = gathered(w, rounding);
    Packed out(x);
    each_tap(*this, [&](auto n, auto p, auto q, auto h, auto v, auto r, auto s) {
      const double* const from = gradients.at(n, p, q);
      double* const to = out.at(n, h, v);
      for (std::int64_t k = 0; k < kernels; ++k) {
        const double* const tap = weights.at(k, r, s);
        const double factor = from[k];
#pragma omp simd
        for (std::int64_t c = 0; c < channels; ++c) to[c] += factor * tap[c];
      }
    });
    scattered(out, x);
  } else {
    Packed gradients = gathered(y, rounding);
    Packed images = gathered(x, rounding);
    Packed out(w);
    each_tap(*this, [&](auto n, auto p, auto q, auto h, auto v, auto r, auto s) {
      const double* const from = gradients.at(n, p, q);
      const double* const pixel = images.at(n, h, v);
      for (std::int64_t k = 0; k < kernels; ++k) {
        double* const tap = out.at(k, r, s);
        const double factor = from[k];
#pragma omp simd
        for (std::int64_t c = 0; c < channels; ++c) tap[c] += factor * pixel[c];
      }
    });
    scattered(out, w);
  }
}

}  // namespace scimix::emulated

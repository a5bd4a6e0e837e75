#include <limits>

#include "kernels/image/mixing.hpp"
#include "kernels/launch/launch.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

void check_pair(const char* op, const Tensor& x_c, const Tensor& x_r, const Tensor& out) {
  SCIMIX_CHECK(x_c.rank() == 4 && x_c.shape() == x_r.shape() && x_c.dtype() == x_r.dtype() &&
                   x_c.shape() == out.shape() && x_c.dtype() == out.dtype(),
               op, ": x_c ", x_c.shape(), ", x_r ", x_r.shape(), ", out ", out.shape());
}

template <class T>
void run_mixup(const Tensor& x_c, const Tensor& x_r, const Tensor& lambda, const Output& out) {
  using C = compute_t<T>;
  const T* content = x_c.data<T>();
  const T* scene = x_r.data<T>();
  const float* shares = lambda.data<float>();
  T* result = out.data<T>();
  const std::int64_t values = x_c.dim(1) * x_c.dim(2) * x_c.dim(3);
  for_each(x_c.numel(), [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const auto share = static_cast<C>(shares[i / values]);
    result[i] = static_cast<T>(share * static_cast<C>(content[i]) +
                               (C(1) - share) * static_cast<C>(scene[i]));
  });
}

template <class T>
void run_cutmix(const Tensor& x_c, const Tensor& x_r, const Tensor& boxes, const Output& out) {
  const T* content = x_c.data<T>();
  const T* scene = x_r.data<T>();
  const std::int32_t* corners = boxes.data<std::int32_t>();
  T* result = out.data<T>();
  const std::int64_t height = x_c.dim(1);
  const std::int64_t width = x_c.dim(2);
  const std::int64_t channels = x_c.dim(3);
  for_each(x_c.numel(), [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const std::int64_t x = i / channels % width;
    const std::int64_t y = i / (channels * width) % height;
    const std::int32_t* box = corners + 4 * (i / (channels * width * height));
    const bool inside = y >= box[0] && x >= box[1] && y < box[2] && x < box[3];
    result[i] = inside ? scene[i] : content[i];
  });
}

// --- AdaIN -------------------------------------------------------------------------------------

template <class C>
struct Statistics {
  C mean, deviation;
};

// The statistics of one channel of an image.
template <class T>
SCIMIX_HD Statistics<compute_t<T>> statistics(Block& block, const T* image, std::int64_t pixels,
                                              std::int64_t channels, std::int64_t channel) {
  using C = compute_t<T>;
  const auto at = [=](std::int64_t p) { return static_cast<C>(image[p * channels + channel]); };
  const C mean = block.template sum<C>(pixels, at) / static_cast<C>(pixels);
  const C squares = block.template sum<C>(pixels, [=](std::int64_t p) {
    const C difference = at(p) - mean;
    return difference * difference;
  });
  return {mean, std::sqrt(squares / static_cast<C>(pixels - 1) + C(1e-5))};
}

template <class T>
void run_adain(const Tensor& x_c, const Tensor& x_r, const Output& out) {
  using C = compute_t<T>;
  const T* contents = x_c.data<T>();
  const T* scenes = x_r.data<T>();
  T* results = out.data<T>();
  const std::int64_t pixels = x_c.dim(1) * x_c.dim(2);
  const std::int64_t channels = x_c.dim(3);
  for_each_block(x_c.dim(0), 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t first = block.index() * pixels * channels;
    const T* content = contents + first;
    T* result = results + first;
    for (std::int64_t c = 0; c < channels; ++c) {
      const Statistics<C> own = statistics(block, content, pixels, channels, c);
      const Statistics<C> wanted = statistics(block, scenes + first, pixels, channels, c);
      block.each(pixels, [=](std::int64_t p) {
        const C z = (static_cast<C>(content[p * channels + c]) - own.mean) / own.deviation;
        result[p * channels + c] = static_cast<T>(wanted.deviation * z + wanted.mean);
      });
    }
  });
}

// --- FDA ---------------------------------------------------------------------------------------
//
// Frequencies are F(u,v) = sum over y, x of (image(y,x) + 1) e^(-2 pi i (u y / H + v x / W)). Only
// few are needed, so they are summed directly, first along rows, then along columns. Images are
// real, so F(-u,-v) is the conjugate of F(u,v), and v = 0..b is sufficient.

template <class C>
struct Complex {
  C re, im;
};

template <class C>
SCIMIX_HD inline Complex<C> operator*(Complex<C> a, Complex<C> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
template <class C>
SCIMIX_HD inline Complex<C> operator+(Complex<C> a, Complex<C> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class C>
SCIMIX_HD inline Complex<C> conjugate(Complex<C> a) {
  return {a.re, -a.im};
}

template <class C>
SCIMIX_HD inline C magnitude(Complex<C> a) {
  return std::sqrt(a.re * a.re + a.im * a.im);
}

struct FdaSizes {
  std::int64_t height, width, channels, reach;  // reach is b

  [[nodiscard]] SCIMIX_HD std::int64_t columns() const { return reach + 1; }   // v = 0..b
  [[nodiscard]] SCIMIX_HD std::int64_t rows() const { return 2 * reach + 1; }  // u = -b..b
  [[nodiscard]] SCIMIX_HD std::int64_t half() const {                          // [H,b+1,C]
    return height * columns() * channels;
  }
  [[nodiscard]] SCIMIX_HD std::int64_t spectrum() const {  // [2b+1,b+1,C]
    return rows() * columns() * channels;
  }
};

// roots[k] = e^(2 pi i k / n).
template <class C>
SCIMIX_HD void fill_roots(Block& block, Complex<C>* roots, std::int64_t n) {
  block.each(n, [=](std::int64_t k) {
    const double angle = 6.283185307179586 * static_cast<double>(k) / static_cast<double>(n);
    roots[k] = {static_cast<C>(std::cos(angle)), static_cast<C>(std::sin(angle))};
  });
}

// Computes the needed frequencies of `image` into `spectrum`; `half` is scratch.
template <class T, class C>
SCIMIX_HD void analyse(Block& block, const FdaSizes& s, const T* image, const Complex<C>* roots_y,
                       const Complex<C>* roots_x, Complex<C>* half, Complex<C>* spectrum) {
  block.each(s.half(), [=](std::int64_t i) {
    const std::int64_t c = i % s.channels;
    const std::int64_t v = i / s.channels % s.columns();
    const T* from = image + i / (s.channels * s.columns()) * s.width * s.channels + c;
    Complex<C> sum{};
    std::int64_t k = 0;  // v x mod W
    for (std::int64_t x = 0; x < s.width; ++x) {
      const C value = static_cast<C>(from[x * s.channels]) + C(1);
      sum.re += value * roots_x[k].re;
      sum.im -= value * roots_x[k].im;
      k += v;
      if (k >= s.width) k -= s.width;
    }
    half[i] = sum;
  });
  const std::int64_t row = s.columns() * s.channels;
  block.each(s.spectrum(), [=](std::int64_t i) {
    const std::int64_t u = i / row - s.reach;
    const std::int64_t step = u < 0 ? u + s.height : u;
    Complex<C> sum{};
    std::int64_t k = 0;  // u y mod H
    for (std::int64_t y = 0; y < s.height; ++y) {
      sum = sum + half[y * row + i % row] * conjugate(roots_y[k]);
      k += step;
      if (k >= s.height) k -= s.height;
    }
    spectrum[i] = sum;
  });
}

// Returns what must be added to frequency `own` to give it the amplitude `amplitude`.
template <class C>
SCIMIX_HD inline Complex<C> amplitude_change(Complex<C> own, C amplitude, C least) {
  const C has = magnitude(own);
  if (has <= least) return {amplitude - own.re, -own.im};
  const C factor = amplitude / has - C(1);
  return {factor * own.re, factor * own.im};
}

// Replaces `own` by the changes that give it the amplitudes of `other`.
template <class C>
SCIMIX_HD void change_amplitudes(Block& block, const FdaSizes& s, Complex<C>* own,
                                 const Complex<C>* other, C* least) {
  const std::int64_t row = s.columns() * s.channels;
  // No |F(u,v)| is above F(0,0), because image + 1 is nowhere negative.
  block.each(s.channels, [=](std::int64_t c) {
    least[c] = C(8) * std::numeric_limits<C>::epsilon() * magnitude(own[s.reach * row + c]);
  });
  block.each(s.spectrum(), [=](std::int64_t i) {
    own[i] = amplitude_change(own[i], magnitude(other[i]), least[i % s.channels]);
  });
}

// result = image + the inverse transform of `changes`; `half` is scratch.
template <class T, class C>
SCIMIX_HD void synthesise(Block& block, const FdaSizes& s, const T* image,
                          const Complex<C>* roots_y, const Complex<C>* roots_x,
                          const Complex<C>* changes, Complex<C>* half, T* result) {
  const std::int64_t row = s.columns() * s.channels;
  block.each(s.half(), [=](std::int64_t i) {
    const std::int64_t y = i / row;
    Complex<C> sum{};
    std::int64_t k = (s.height - s.reach) * y % s.height;  // u y mod H, from u = -b on
    for (std::int64_t u = 0; u < s.rows(); ++u) {
      sum = sum + changes[u * row + i % row] * roots_y[k];
      k += y;
      if (k >= s.height) k -= s.height;
    }
    half[i] = sum;
  });
  const C scale = C(1) / static_cast<C>(s.height * s.width);
  block.each(s.height * s.width * s.channels, [=](std::int64_t i) {
    const std::int64_t c = i % s.channels;
    const std::int64_t x = i / s.channels % s.width;
    const Complex<C>* from = half + i / (s.channels * s.width) * row + c;
    C sum = from[0].re / C(2);  // v = 0 counts once, the others count for v and -v
    std::int64_t k = x;         // v x mod W
    for (std::int64_t v = 1; v <= s.reach; ++v) {
      sum += (from[v * s.channels] * roots_x[k]).re;
      k += x;
      if (k >= s.width) k -= s.width;
    }
    result[i] = static_cast<T>(static_cast<C>(image[i]) + C(2) * scale * sum);
  });
}

template <class T>
void run_fda(const Tensor& x_c, const Tensor& x_r, std::int64_t reach, const Output& out) {
  using C = compute_t<T>;
  const FdaSizes s{x_c.dim(1), x_c.dim(2), x_c.dim(3), reach};
  // The roots of unity are in the block's scratch memory, or in the workspace if the image is too
  // large for that.
  const auto roots_bytes = static_cast<std::size_t>(s.height + s.width) * sizeof(Complex<C>) + 32;
  const bool fit = roots_bytes <= kMostScratchBytes;
  const std::int64_t transforms = s.half() + 2 * s.spectrum();
  const std::int64_t complexes = transforms + (fit ? 0 : s.height + s.width);
  Tensor workspace =
      Tensor::empty({x_c.dim(0), 2 * complexes + s.channels}, dtype_of<C>, x_c.device());
  C* memory = workspace.data<C>();
  const T* contents = x_c.data<T>();
  const T* scenes = x_r.data<T>();
  T* results = out.data<T>();
  for_each_block(x_c.dim(0), fit ? roots_bytes : 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    C* mine = memory + block.index() * (2 * complexes + s.channels);
    auto* half = reinterpret_cast<Complex<C>*>(mine);
    auto* roots_y = fit ? block.scratch<Complex<C>>(s.height) : half + transforms;
    auto* roots_x = fit ? block.scratch<Complex<C>>(s.width) : roots_y + s.height;
    fill_roots(block, roots_y, s.height);
    fill_roots(block, roots_x, s.width);
    Complex<C>* own = half + s.half();
    Complex<C>* other = own + s.spectrum();
    C* least = mine + 2 * complexes;
    const std::int64_t first = block.index() * s.height * s.width * s.channels;
    analyse(block, s, contents + first, roots_y, roots_x, half, own);
    analyse(block, s, scenes + first, roots_y, roots_x, half, other);
    change_amplitudes(block, s, own, other, least);
    synthesise(block, s, contents + first, roots_y, roots_x, own, half, results + first);
  });
}

// -----------------------------------------------------------------------------------------------

template <class T>
void run_clamp(const Tensor& x, const Output& out) {
  using C = compute_t<T>;
  const T* source = x.data<T>();
  T* target = out.data<T>();
  for_each(x.numel(), [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const auto value = static_cast<C>(source[i]);
    const C above = value < C(-1) ? C(-1) : value;
    target[i] = static_cast<T>(above > C(1) ? C(1) : above);
  });
}

template <class T>
void run_scene_won(const Tensor& x_h, const Tensor& x_c, const Tensor& x_r, const Output& out) {
  using C = compute_t<T>;
  const T* hybrids = x_h.data<T>();
  const T* contents = x_c.data<T>();
  const T* scenes = x_r.data<T>();
  std::int32_t* won = out.data<std::int32_t>();
  const std::int64_t values = x_h.dim(1) * x_h.dim(2) * x_h.dim(3);
  for_each_block(x_h.dim(0), 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t image = block.index();
    const auto square_distance = [&](const T* others) {
      const T* hybrid = hybrids + image * values;
      const T* other = others + image * values;
      return block.sum<C>(values, [=](std::int64_t i) {
        const C difference = static_cast<C>(hybrid[i]) - static_cast<C>(other[i]);
        return difference * difference;
      });
    };
    const C to_content = square_distance(contents);
    const C to_scene = square_distance(scenes);
    block.each(1, [=](std::int64_t) { won[image] = to_content > to_scene ? 1 : 0; });
  });
}

}  // namespace

void mix_mixup(const Tensor& x_c, const Tensor& x_r, const Tensor& lambda, const Output& out) {
  check_pair("mix_mixup", x_c, x_r, out);
  SCIMIX_CHECK(lambda.shape() == Shape({x_c.dim(0)}), "mix_mixup: lambda ", lambda.shape(),
               " for images ", x_c.shape());
  dispatch_floating(x_c.dtype(), [&]<class T>(TypeTag<T>) { run_mixup<T>(x_c, x_r, lambda, out); });
}

void mix_cutmix(const Tensor& x_c, const Tensor& x_r, const Tensor& boxes, const Output& out) {
  check_pair("mix_cutmix", x_c, x_r, out);
  SCIMIX_CHECK(boxes.shape() == Shape({x_c.dim(0), 4}), "mix_cutmix: boxes ", boxes.shape(),
               " for images ", x_c.shape());
  dispatch_floating(x_c.dtype(), [&]<class T>(TypeTag<T>) { run_cutmix<T>(x_c, x_r, boxes, out); });
}

void mix_adain(const Tensor& x_c, const Tensor& x_r, const Output& out) {
  check_pair("mix_adain", x_c, x_r, out);
  SCIMIX_CHECK(x_c.dim(1) * x_c.dim(2) >= 2, "mix_adain: images ", x_c.shape(),
               ": one pixel has no variance");
  dispatch_floating(x_c.dtype(), [&]<class T>(TypeTag<T>) { run_adain<T>(x_c, x_r, out); });
}

void mix_fda(const Tensor& x_c, const Tensor& x_r, double band, const Output& out) {
  check_pair("mix_fda", x_c, x_r, out);
  // For a band below 1/2, 2b+1 <= min(H,W): no frequency occurs twice, and only 0 is its own
  // conjugate.
  SCIMIX_CHECK(band >= 0 && band < 0.5, "mix_fda: band ", band);
  const std::int64_t side = x_c.dim(1) < x_c.dim(2) ? x_c.dim(1) : x_c.dim(2);
  const auto reach = static_cast<std::int64_t>(static_cast<double>(side) * band);
  dispatch_floating(x_c.dtype(), [&]<class T>(TypeTag<T>) { run_fda<T>(x_c, x_r, reach, out); });
}

void clamp_images(const Tensor& x, const Output& out) {
  SCIMIX_CHECK(x.shape() == out.shape() && x.dtype() == out.dtype(), "clamp_images: x ", x.shape(),
               ", out ", out.shape());
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) { run_clamp<T>(x, out); });
}

void scene_won(const Tensor& x_h, const Tensor& x_c, const Tensor& x_r, const Output& out) {
  check_pair("scene_won", x_c, x_r, x_h);
  SCIMIX_CHECK(out.shape() == Shape({x_h.dim(0)}), "scene_won: out ", out.shape(), " for images ",
               x_h.shape());
  dispatch_floating(x_h.dtype(),
                    [&]<class T>(TypeTag<T>) { run_scene_won<T>(x_h, x_c, x_r, out); });
}

}  // namespace scimix::SCIMIX_BACKEND

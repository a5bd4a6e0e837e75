// Hybrids of two images without a network: the mixers that SciMix is compared with (Fig. 3b of the
// paper), and a comparison of a hybrid's pixels with those of its parents.
//
// x_c is the semantic parent (in MixUp the one with the larger weight), x_r the scene parent. All
// images are [N,H,W,C] of one shape and dtype, in [-1,1]. Results of AdaIN and FDA can leave that
// range; clamp_images limits them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/launch/kernel.hpp"

namespace scimix {

// out = l x_c + (1-l) x_r, with a mixing weight l for each pair in lambda f32 [N]. The caller makes
// sure that x_c dominates, l >= 1/2. Source: Zhang et al., "mixup: beyond empirical risk
// minimization", ICLR 2018.
SCIMIX_KERNEL(mix_mixup,
              (const Tensor& x_c, const Tensor& x_r, const Tensor& lambda, const Output& out))

// Rows y0..y1-1 and columns x0..x1-1 of an image.
struct CutBox {
  std::int32_t y0, x0, y1, x1;
};

// Returns CutMix's box for a mixing weight lambda in [0,1] and a centre that is uniform in [0,1).
// Its sides are floor(H sqrt(1-l)) and floor(W sqrt(1-l)), its centre is pixel (floor(H centre_y),
// floor(W centre_x)), and it is clipped to the image. A side s reaches floor(s/2) in both
// directions, as in the published code, so that an odd side loses a pixel. Source: Yun et al.,
// "CutMix: regularization strategy to train strong classifiers with localizable features", ICCV
// 2019, eq. 2, and its code.
[[nodiscard]] inline CutBox cut_box(double lambda, double centre_y, double centre_x,
                                    std::int64_t height, std::int64_t width) {
  SCIMIX_CHECK(lambda >= 0 && lambda <= 1, "cut_box: lambda ", lambda);
  SCIMIX_CHECK(centre_y >= 0 && centre_y < 1 && centre_x >= 0 && centre_x < 1, "cut_box: centre ",
               centre_y, ", ", centre_x);
  const auto rows = static_cast<std::int32_t>(height);
  const auto columns = static_cast<std::int32_t>(width);
  const double ratio = std::sqrt(1 - lambda);
  const auto y = static_cast<std::int32_t>(rows * centre_y);
  const auto x = static_cast<std::int32_t>(columns * centre_x);
  const auto reach_y = static_cast<std::int32_t>(rows * ratio) / 2;
  const auto reach_x = static_cast<std::int32_t>(columns * ratio) / 2;
  return {std::max(y - reach_y, 0), std::max(x - reach_x, 0), std::min(y + reach_y, rows),
          std::min(x + reach_x, columns)};
}

// Returns the fraction of the image outside the box, which is lambda after clipping.
[[nodiscard]] inline double share_outside(const CutBox& box, std::int64_t height,
                                          std::int64_t width) {
  const auto pixels = static_cast<double>((box.y1 - box.y0) * (box.x1 - box.x0));
  return 1 - pixels / static_cast<double>(height * width);
}

// out = x_r inside the box of a pair, x_c outside. boxes i32 [N,4], rows (y0, x0, y1, x1) as in
// CutBox. Pixels of a box outside the image are ignored. Source: ibid., eq. 1.
SCIMIX_KERNEL(mix_cutmix,
              (const Tensor& x_c, const Tensor& x_r, const Tensor& boxes, const Output& out))

// Gives x_c the mean and the standard deviation over pixels of x_r, per image and channel:
//   out = s(x_r) (x_c - m(x_c)) / s(x_c) + m(x_r),  s^2 = variance (n-1 in its divisor) + 1e-5.
// At least 2 pixels. Source: Huang and Belongie, "Arbitrary style transfer in real-time with
// adaptive instance normalization", ICCV 2017, eq. 8; divisor and epsilon as in its common PyTorch
// form.
SCIMIX_KERNEL(mix_adain, (const Tensor& x_c, const Tensor& x_r, const Output& out))

// Gives x_c the amplitudes of x_r at frequencies -b..b in both directions, b = floor(min(H,W)
// band), 0 <= band < 1/2. Phases and all other frequencies of x_c stay. Source: Yang and Soatto,
// "FDA: Fourier domain adaptation for semantic segmentation", CVPR 2020, eq. 3.
//
// The published method reads pixels with black = 0, so amplitudes are those of x + 1. Without that
// offset, frequency 0 could be negative, and its sign would count as a phase. A frequency that x_c
// does not contain (below 8 roundings of frequency 0) has no phase to keep. It gets phase 0, the
// argument of 0 in numpy.angle.
SCIMIX_KERNEL(mix_fda, (const Tensor& x_c, const Tensor& x_r, double band, const Output& out))

// Clamps x to [-1,1]. out may be x. NaN stays NaN.
SCIMIX_KERNEL(clamp_images, (const Tensor& x, const Output& out))

// out i32 [N] = 1 if ||x_h - x_c|| > ||x_h - x_r|| over all pixels of a hybrid, otherwise 0, also
// for equal distances. The mean of out is s_r.
SCIMIX_KERNEL(scene_won,
              (const Tensor& x_h, const Tensor& x_c, const Tensor& x_r, const Output& out))

}  // namespace scimix

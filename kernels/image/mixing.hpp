// Hybrids of two images without a network: the mixers that SciMix is compared with (its Fig. 3b),
// and the question which parent a hybrid's pixels are nearer to.
//
// x_c gives the content (in MixUp the larger share), x_r the scene. All images are [N,H,W,C] of one
// shape and dtype, in [-1,1]. AdaIN and FDA may leave that range; clamp_images brings them back.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/launch/kernel.hpp"

namespace scimix {

// out = l x_c + (1-l) x_r with lambda f32 [N], a share for each pair. That x_c dominates, l >= 1/2,
// is the caller's business. Source: Zhang et al., "mixup: beyond empirical risk minimization",
// ICLR 2018.
SCIMIX_KERNEL(mix_mixup,
              (const Tensor& x_c, const Tensor& x_r, const Tensor& lambda, const Output& out))

// Rows y0..y1-1 and columns x0..x1-1 of an image.
struct CutBox {
  std::int32_t y0, x0, y1, x1;
};

// CutMix's box of a share lambda in [0,1], drawn by its centre: of sides floor(H sqrt(1-l)) and
// floor(W sqrt(1-l)), around pixel (floor(H centre_y), floor(W centre_x)), clipped to the image;
// centres uniform in [0,1). A side s reaches floor(s/2) to both sides, as in the published code: an
// odd side loses a pixel. Source: Yun et al., "CutMix: regularization strategy to train strong
// classifiers with localizable features", ICCV 2019, eq. 2, and its code.
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

// What is left of x_c around the box: CutMix's lambda after clipping, 1 - box / image.
[[nodiscard]] inline double share_outside(const CutBox& box, std::int64_t height,
                                          std::int64_t width) {
  const auto pixels = static_cast<double>((box.y1 - box.y0) * (box.x1 - box.x0));
  return 1 - pixels / static_cast<double>(height * width);
}

// out = x_r inside a box for each pair, x_c outside. boxes i32 [N,4], rows (y0, x0, y1, x1) as in
// CutBox; what of a box lies outside the image counts for nothing. Source: ibid., eq. 1.
SCIMIX_KERNEL(mix_cutmix,
              (const Tensor& x_c, const Tensor& x_r, const Tensor& boxes, const Output& out))

// x_c with the mean and the standard deviation of x_r, in pixels, per image and channel:
//   out = s(x_r) (x_c - m(x_c)) / s(x_c) + m(x_r),  s^2 = variance (n-1 in its divisor) + 1e-5.
// At least 2 pixels. Source: Huang and Belongie, "Arbitrary style transfer in real-time with
// adaptive instance normalization", ICCV 2017, eq. 8; divisor and epsilon as in its common PyTorch
// form.
SCIMIX_KERNEL(mix_adain, (const Tensor& x_c, const Tensor& x_r, const Output& out))

// x_c with the amplitudes of x_r at frequencies -b..b in both directions, b = floor(min(H,W) band),
// 0 <= band < 1/2; phases and all other frequencies stay x_c's. Source: Yang and Soatto, "FDA:
// Fourier domain adaptation for semantic segmentation", CVPR 2020, eq. 3.
//
// As published the method reads pixels from black = 0 on, so amplitudes are those of x + 1: an
// offset changes the amplitude of frequency 0, whose sign would otherwise count as its phase. A
// frequency that x_c does not hold (below 8 roundings of frequency 0) has no phase to keep and gets
// phase 0, as the argument of 0 is defined in numpy.angle.
SCIMIX_KERNEL(mix_fda, (const Tensor& x_c, const Tensor& x_r, double band, const Output& out))

// Into [-1,1]; out may be x. NaN stays NaN.
SCIMIX_KERNEL(clamp_images, (const Tensor& x, const Output& out))

// out i32 [N]: 1 where ||x_h - x_c|| > ||x_h - x_r||, over all pixels of a hybrid; otherwise 0,
// also where the distances are equal. Its mean is s_r.
SCIMIX_KERNEL(scene_won,
              (const Tensor& x_h, const Tensor& x_c, const Tensor& x_r, const Output& out))

}  // namespace scimix

// Hybrids of two images without a network: the mixers that SciMix is compared with (its Fig. 3b),
// and the question which parent a hybrid's pixels are nearer to.
//
// x_c gives the content (in MixUp the larger share), x_r the scene. All images are [N,H,W,C] of one
// shape and dtype, in [-1,1]. AdaIN and FDA may leave that range; clamp_images brings them back.
#pragma once

#include "kernels/kernel.hpp"

namespace scimix {

// out = l x_c + (1-l) x_r with lambda f32 [N], a share for each pair. That x_c dominates, l >= 1/2,
// is the caller's business. Source: Zhang et al., "mixup: beyond empirical risk minimization",
// ICLR 2018.
SCIMIX_KERNEL(mix_mixup,
              (const Tensor& x_c, const Tensor& x_r, const Tensor& lambda, const Tensor& out))

// x_c with the mean and the standard deviation of x_r, in pixels, per image and channel:
//   out = s(x_r) (x_c - m(x_c)) / s(x_c) + m(x_r),  s^2 = variance (n-1 in its divisor) + 1e-5.
// At least 2 pixels. Source: Huang and Belongie, "Arbitrary style transfer in real-time with
// adaptive instance normalization", ICCV 2017, eq. 8; divisor and epsilon as in its common PyTorch
// form.
SCIMIX_KERNEL(mix_adain, (const Tensor& x_c, const Tensor& x_r, const Tensor& out))

// x_c with the amplitudes of x_r at frequencies -b..b in both directions, b = floor(min(H,W) band),
// 0 <= band < 1/2; phases and all other frequencies stay x_c's. Source: Yang and Soatto, "FDA:
// Fourier domain adaptation for semantic segmentation", CVPR 2020, eq. 3.
//
// As published the method reads pixels from black = 0 on, so amplitudes are those of x + 1: an
// offset changes the amplitude of frequency 0, whose sign would otherwise count as its phase. A
// frequency that x_c does not hold (below 8 roundings of frequency 0) has no phase to keep and gets
// phase 0, as the argument of 0 is defined in numpy.angle.
SCIMIX_KERNEL(mix_fda, (const Tensor& x_c, const Tensor& x_r, double band, const Tensor& out))

// Into [-1,1]; out may be x. NaN stays NaN.
SCIMIX_KERNEL(clamp_images, (const Tensor& x, const Tensor& out))

// out i32 [N]: 1 where ||x_h - x_c|| > ||x_h - x_r||, over all pixels of a hybrid; otherwise 0,
// also where the distances are equal. Its mean is s_r.
SCIMIX_KERNEL(scene_won,
              (const Tensor& x_h, const Tensor& x_c, const Tensor& x_r, const Tensor& out))

}  // namespace scimix

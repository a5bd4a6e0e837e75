// Generator and discriminators written down for comparison with another framework.
#pragma once

#include <filesystem>

namespace scimix {

// Writes a safetensors file, all in f64 and in PyTorch's order of axes (images [N,C,H,W], kernels
// [K,C,R,S]), with small networks of disturbed parameters, and for a network NAME
//   NAME.parameter.*, NAME.input.*   what it computes from
//   NAME.output, NAME.seed           what it makes of that, and random numbers of the same shape
//   NAME.gradient.*                  of sum(output seed), by parameter or input
// for NAME = generator, orig, resnet (discriminators; resnet has minibatch deviation), and for the
// discriminators, with P the sum of |d sum(output) / d image|^2,
//   NAME.penalty [1], NAME.penalty_gradient.*   P and its gradient, by second derivatives
void write_gan_reference(const std::filesystem::path& path);

}  // namespace scimix

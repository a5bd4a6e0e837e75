// Writes generator and discriminators with their gradients to a file, for comparison with another
// framework.
#pragma once

#include <filesystem>

namespace scimix {

// Writes a safetensors file, in f64 and with PyTorch's order of axes (images [N,C,H,W], kernels
// [K,C,R,S]), with small networks whose parameters were changed at random. For each network NAME
// (generator, and the discriminators orig and resnet; resnet has minibatch deviation):
//   NAME.parameter.*, NAME.input.*   parameters and inputs
//   NAME.output, NAME.seed           the output, and random numbers of the same shape
//   NAME.gradient.*                  gradients of sum(output * seed) for parameters and inputs
// and for the discriminators, with P the sum of |d sum(output) / d image|^2:
//   NAME.penalty [1], NAME.penalty_gradient.*   P and its gradient, by second derivatives
void write_gan_reference(const std::filesystem::path& path);

}  // namespace scimix

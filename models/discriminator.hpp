// The discriminator D (the critic) of StyleGAN2 (Karras et al. 2020), architectures `orig` and
// `resnet`. See docs/method.md, section 3.5.
//
//   x = fromrgb(image)                              1x1 convolution
//   each block:
//     orig:     x = conv1(conv0(x))                 3x3 convolutions; conv1 halves the size
//     resnet:   x = (conv1(conv0(x)) + skip(x)) / sqrt(2)    skip: 1x1 convolution, halves the size
//   epilogue, at a size of 4 to 7 pixels: minibatch deviation, 3x3 convolution, two linear layers
//
// Parameters, by name:
//   fromrgb.{weight,bias}
//   blocks.i.conv0.{weight,bias}, blocks.i.conv1.{weight,bias}, blocks.i.skip.weight
//   epilogue.{conv,fc,out}.{weight,bias}
// The columns of epilogue.fc.weight are in the order [h,w,C], whereas flattening in PyTorch gives
// [C,h,w].
#pragma once

#include <optional>
#include <vector>

#include "models/equalized.hpp"

namespace scimix {

enum class DiscriminatorArch { orig, resnet };

struct DiscriminatorConfig {
  std::int64_t image_size = 32;      // 4, 5, 6 or 7 times a power of two
  std::int64_t base_channels = 128;  // at full resolution; doubled with each halving of the size
  std::int64_t max_channels = 256;   // upper bound of the channels
  DiscriminatorArch arch = DiscriminatorArch::orig;
  std::int64_t minibatch_std = 0;  // images per group of minibatch_deviation; 0: off
};

// Returns x [N,H,W,C] with an additional channel, [N,H,W,C+1], which measures how much the images
// of a group differ. There are M = N/G groups of G = min(group, N) images; images n, n + M, n + 2M,
// ... form a group. The new channel is sqrt(variance over the group + 1e-8), averaged over H, W and
// C; the variance is biased (divisor G). Throws Error{bug} unless G divides N. Source: Karras et
// al. 2018, section 3, with StyleGAN2's strided groups.
[[nodiscard]] Variable minibatch_deviation(const Variable& x, std::int64_t group);

// Returns whether the image size is 4, 5, 6 or 7 times a power of two.
[[nodiscard]] bool is_critic_size(std::int64_t image_size);
// Checks the image size. Errors (user): a size that is not 4, 5, 6 or 7 times a power of two.
void check_critic_size(std::int64_t image_size);

class Discriminator {
 public:
  // Errors (user): an image size that repeated halving does not bring to 4, 5, 6 or 7; a channel
  // number below 1; a group of one image.
  Discriminator(const DiscriminatorConfig& config, std::uint64_t seed, Device device,
                DType dtype = DType::f32);

  // Returns logits [N] (large for real images) for x [N,R,R,3] in [-1,1], in f32 if x is bf16. With
  // minibatch_std, N must be smaller than the group or a multiple of it.
  [[nodiscard]] Variable forward(const Variable& x) const;

  [[nodiscard]] const DiscriminatorConfig& config() const { return config_; }
  [[nodiscard]] const ParameterStore& parameters() const { return store_; }
  [[nodiscard]] ParameterStore& parameters() { return store_; }

 private:
  struct Block {
    EqualizedConv conv0;
    EqualizedConv conv1;
    std::optional<EqualizedConv> skip;
  };
  struct Epilogue {
    EqualizedConv conv;
    EqualizedLinear fc;
    EqualizedLinear out;
  };
  [[nodiscard]] Block make_block(int index, const Tensor& filter);
  [[nodiscard]] Epilogue make_epilogue(std::int64_t channels, std::int64_t size);

  DiscriminatorConfig config_;
  ParameterStore store_;
  std::optional<EqualizedConv> from_rgb_;
  std::vector<Block> blocks_;
  std::optional<Epilogue> epilogue_;
};

}  // namespace scimix

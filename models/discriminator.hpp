// The discriminator of StyleGAN2 (Karras et al. 2020), architectures `orig` and `resnet`.
//
//   x = fromrgb(image)                              1x1
//   each block: x = conv1(conv0(x)), both 3x3, conv1 halves the size;
//               resnet: (that + skip(x)) / sqrt(2), skip 1x1
//   epilogue, at 4 to 7 pixels: minibatch deviation, 3x3 convolution, two linear layers
//
// Parameters, by name:
//   fromrgb.{weight,bias}
//   blocks.i.conv0.{weight,bias}, blocks.i.conv1.{weight,bias}, blocks.i.skip.weight
//   epilogue.{conv,fc,out}.{weight,bias}
// epilogue.fc reads pixels before channels: its columns are in the order [h,w,C], where PyTorch's
// flatten gives [C,h,w].
#pragma once

#include <optional>
#include <vector>

#include "models/equalized.hpp"

namespace scimix {

enum class DiscriminatorArch { orig, resnet };

struct DiscriminatorConfig {
  std::int64_t image_size = 32;      // 4, 5, 6 or 7 times a power of two
  std::int64_t base_channels = 128;  // at full resolution; doubled per halving
  std::int64_t max_channels = 256;
  DiscriminatorArch arch = DiscriminatorArch::orig;
  std::int64_t minibatch_std = 0;  // rows of a group; 0: off
};

// x [N,H,W,C] -> [N,H,W,C+1]: how much the rows of a group differ, as one more channel. Rows n,
// n + M, n + 2M, ... of M = N/G groups of G = min(group, N) rows belong together; the new channel
// is the mean over H, W, C of their standard deviation (biased variance + 1e-8 under the root).
// Source: Karras et al. 2018, section 3, with the strided groups of StyleGAN2. G must divide N.
[[nodiscard]] Variable minibatch_deviation(const Variable& x, std::int64_t group);

// Errors (user): an image size that no discriminator fits.
void check_critic_size(std::int64_t image_size);

class Discriminator {
 public:
  // Throws a user error for an image size that no number of halvings brings to 4 to 7, a channel
  // number below 1, or a group of one.
  Discriminator(const DiscriminatorConfig& config, std::uint64_t seed, Device device,
                DType dtype = DType::f32);

  // x [N,R,R,3] in [-1,1] -> logits [N], f32 in a bf16 pass. With minibatch_std, N must be below
  // the group or a multiple of it.
  [[nodiscard]] Variable forward(const Variable& x) const;

  [[nodiscard]] const DiscriminatorConfig& config() const { return config_; }
  [[nodiscard]] const ParameterStore& parameters() const { return store_; }

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

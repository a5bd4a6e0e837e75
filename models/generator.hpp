// The generator G: StyleGAN2's synthesis network (Karras et al. 2020; `skip` architecture). Its
// input is a structure code instead of a constant, and a style code modulates every convolution. It
// has one block for each of the resolutions R/4, R/2 and R. See docs/method.md, section 3.3.
//
//   x = input(z_r)                      1x1 convolution without activation
//   each block:
//     x = conv0(x)                      doubles the size; not in the first block
//     x = conv1(x)
//     rgb = upsample(rgb) + torgb(x)    in the first block rgb = torgb(x)
//
// The image is a linear function of the last features, so its values are not bounded to [-1, 1].
//
// Parameters, by name (conv0, conv1 and torgb: models/equalized.hpp, ModulatedLayer):
//   input.{weight,bias}
//   blocks.i.conv0.{affine.weight,affine.bias,weight,bias,noise_strength}   i = 1, 2
//   blocks.i.conv1.{affine.weight,affine.bias,weight,bias,noise_strength}   i = 0, 1, 2
//   blocks.i.torgb.{affine.weight,affine.bias,weight,bias}
// noise_strength exists only with the option `noise`.
#pragma once

#include <optional>
#include <vector>

#include "models/equalized.hpp"

namespace scimix {

struct GeneratorConfig {
  std::int64_t image_size = 32;        // R, a multiple of 4
  std::int64_t latent_channels = 128;  // channels of the structure code
  std::int64_t style_channels = 128;   // elements of the style code
  std::int64_t base_channels = 128;    // at full resolution; doubled with each halving of the size
  std::int64_t max_channels = 256;     // upper bound of the channels
  bool noise = false;  // StyleGAN2's noise: one number per pixel; its strength starts at 0
};

// Addresses the noise of a forward pass: one normal number per pixel and layer, which is a function
// of these values.
struct NoiseSource {
  std::uint64_t seed = 0;
  Tensor step = {};        // i32 [1], on the device
  std::uint32_t pass = 0;  // distinguishes passes of the same step
  // The parts of the batch, such as reconstructions and hybrids. A part has `rows` rows, whose
  // numbers in the batch of all ranks start at `first_row`. Empty: one part, numbered from 0.
  struct Part {
    std::int64_t rows = 0;
    std::int64_t first_row = 0;
  };
  std::vector<Part> parts = {};
};

class Generator {
 public:
  // Errors (user): an image size that is not a multiple of 4, a channel number below 1.
  Generator(const GeneratorConfig& config, std::uint64_t seed, Device device,
            DType dtype = DType::f32);

  // Returns images [N,R,R,3], in the dtype of z_r, for a structure code z_r
  // [N,R/4,R/4,latent_channels] and a style code [N,style_channels], both of unit root mean square
  // (models/codes.hpp). A null `noise` means no noise.
  [[nodiscard]] Variable forward(const Variable& z_r, const Variable& style,
                                 const NoiseSource* noise = nullptr) const;

  [[nodiscard]] const GeneratorConfig& config() const { return config_; }
  [[nodiscard]] const ParameterStore& parameters() const { return store_; }

 private:
  struct Block {
    std::optional<ModulatedLayer> conv0;
    ModulatedLayer conv1;
    ModulatedLayer torgb;
  };
  [[nodiscard]] Block make_block(int index);
  [[nodiscard]] std::vector<Modulation> modulate(const Variable& style, DType dtype) const;

  GeneratorConfig config_;
  ParameterStore store_;
  Tensor filter_;
  std::optional<EqualizedConv> input_;
  std::vector<Block> blocks_;
};

}  // namespace scimix

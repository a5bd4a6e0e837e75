#include "models/generator.hpp"

#include <algorithm>
#include <string>

#include "kernels/image/noise.hpp"

namespace scimix {

namespace {

constexpr int kBlocks = 3;
constexpr std::uint32_t kMaxLayers = 16;  // number of noise streams reserved for one pass

GeneratorConfig checked(const GeneratorConfig& c) {
  if (c.image_size < 4 || c.image_size % 4 != 0) {
    user_error("generator of image size ", c.image_size, ": expected a multiple of 4");
  }
  for (const std::int64_t channels :
       {c.latent_channels, c.style_channels, c.base_channels, c.max_channels}) {
    if (channels < 1) user_error("generator with ", channels, " channels: expected at least 1");
  }
  return c;
}

// Returns the number of channels of block i, whose resolution is R >> (kBlocks - 1 - i).
std::int64_t channels_of(const GeneratorConfig& config, int block) {
  return std::min(config.base_channels << (kBlocks - 1 - block), config.max_channels);
}

// Makes the noise images of one forward pass, layer by layer.
class NoiseLayers {
 public:
  NoiseLayers(const NoiseSource* source, DType dtype)
      : source_(source), dtype_(compute_type(dtype)) {}

  // Returns the noise [rows,size,size] of the next layer, or an undefined tensor without a source.
  [[nodiscard]] Tensor next(std::int64_t rows, std::int64_t size) {
    const std::uint32_t layer = layer_++;
    if (source_ == nullptr) return {};
    Tensor image = Tensor::empty({rows, size, size}, dtype_, source_->step.device());
    if (source_->parts.empty()) {
      fill(image, layer, 0);
      return image;
    }
    std::int64_t row = 0;
    for (const NoiseSource::Part& part : source_->parts) {
      fill(image.rows(row, row + part.rows), layer, part.first_row);
      row += part.rows;
    }
    return image;
  }

 private:
  void fill(const Output& rows, std::uint32_t layer, std::int64_t first_row) const {
    normal_noise(source_->step,
                 {.seed = source_->seed,
                  .stream = source_->pass * kMaxLayers + layer,
                  .first_row = first_row},
                 rows);
  }

  const NoiseSource* source_;
  DType dtype_;
  std::uint32_t layer_ = 0;
};

}  // namespace

Generator::Generator(const GeneratorConfig& config, std::uint64_t seed, Device device, DType dtype)
    : config_(checked(config)), store_(seed, dtype), filter_(resample_filter(dtype, device)) {
  input_.emplace(store_, "input",
                 EqualizedConv::Options{.in = config.latent_channels,
                                        .out = channels_of(config, 0),
                                        .kernel = 1,
                                        .bias_act = kNoActivation});
  for (int i = 0; i < kBlocks; ++i) blocks_.push_back(make_block(i));
  store_.place(device);
}

Generator::Block Generator::make_block(int index) {
  const std::string name = "blocks." + std::to_string(index);
  const std::int64_t out = channels_of(config_, index);
  const auto layer = [&](const char* suffix, std::int64_t in, bool up) {
    return ModulatedLayer(store_, name + suffix,
                          {.in = in,
                           .out = out,
                           .style = config_.style_channels,
                           .conv = {.up = up},
                           .noise = config_.noise});
  };
  const auto conv0 = [&]() -> std::optional<ModulatedLayer> {
    if (index == 0) return std::nullopt;
    return layer(".conv0", channels_of(config_, index - 1), /*up=*/true);
  };
  return {.conv0 = conv0(),
          .conv1 = layer(".conv1", out, /*up=*/false),
          .torgb = ModulatedLayer(store_, name + ".torgb",
                                  {.in = out,
                                   .out = 3,
                                   .style = config_.style_channels,
                                   .kernel = 1,
                                   .conv = {.demodulate = false, .slope = 1.0, .gain = 1.0}})};
}

// Returns the modulations of all layers, in the order in which the layers run.
std::vector<Modulation> Generator::modulate(const Variable& style, DType dtype) const {
  std::vector<const ModulatedLayer*> layers;
  for (const Block& block : blocks_) {
    if (block.conv0) layers.push_back(&*block.conv0);
    layers.push_back(&block.conv1);
    layers.push_back(&block.torgb);
  }
  return ModulatedLayer::modulate(style, layers, dtype);
}

Variable Generator::forward(const Variable& z_r, const Variable& style,
                            const NoiseSource* noise) const {
  const std::int64_t rows = z_r.dim(0);
  std::int64_t size = config_.image_size >> (kBlocks - 1);
  SCIMIX_CHECK(z_r.shape() == (Shape{rows, size, size, config_.latent_channels}) &&
                   style.shape() == (Shape{rows, config_.style_channels}),
               "Generator: z_r ", z_r.shape(), ", style ", style.shape(), ", expected [N,", size,
               ",", size, ",", config_.latent_channels, "] and [N,", config_.style_channels, "]");
  SCIMIX_CHECK(noise == nullptr || config_.noise,
               "Generator: noise for a network that was built without noise");
  NoiseLayers layers(noise, z_r.dtype());
  const std::vector<Modulation> modulations = modulate(style, z_r.dtype());
  auto modulation = modulations.begin();
  Variable x = (*input_)(z_r);
  Variable rgb;
  for (const Block& block : blocks_) {
    if (block.conv0) {
      size *= 2;
      x = (*block.conv0)(x, *modulation++, layers.next(rows, size));
    }
    x = block.conv1(x, *modulation++, layers.next(rows, size));
    const Variable added = block.torgb(x, *modulation++);
    rgb = rgb.defined() ? add(upsample_image(rgb, filter_), added) : added;
  }
  return rgb;
}

}  // namespace scimix

#include "models/discriminator.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>

namespace scimix {

namespace {

constexpr std::int64_t kSmallest = 4;  // range of image sizes that the epilogue accepts
constexpr std::int64_t kLargest = 7;

// Returns nothing for a size for which no number of stages fits.
std::optional<int> find_stages(std::int64_t image_size) {
  int stages = 0;
  std::int64_t size = image_size;
  for (; size > kLargest && size % 2 == 0; size /= 2) ++stages;
  if (size < kSmallest || size > kLargest) return std::nullopt;
  return stages;
}

int stages_of(std::int64_t image_size) {
  const std::optional<int> stages = find_stages(image_size);
  if (!stages) {
    user_error("image size ", image_size,
               ": no number of stages fits, expected 4, 5, 6 or 7 times a power of two");
  }
  return *stages;
}

}  // namespace

bool is_critic_size(std::int64_t image_size) {
  return find_stages(image_size).has_value();
}

void check_critic_size(std::int64_t image_size) {
  (void)stages_of(image_size);
}

namespace {

DiscriminatorConfig checked(const DiscriminatorConfig& c) {
  for (const std::int64_t channels : {c.base_channels, c.max_channels}) {
    if (channels < 1) user_error("discriminator with ", channels, " channels: expected at least 1");
  }
  if (c.minibatch_std < 0 || c.minibatch_std == 1) {
    user_error("minibatch deviation of groups of ", c.minibatch_std,
               ": expected at least 2 images, or 0 for none");
  }
  return c;
}

// Returns the number of channels after `halvings` halvings of the image size.
std::int64_t channels_at(const DiscriminatorConfig& config, int halvings) {
  return std::min(config.base_channels << halvings, config.max_channels);
}

}  // namespace

Variable minibatch_deviation(const Variable& x, std::int64_t group) {
  constexpr double kEps = 1e-8;
  const Shape& shape = x.shape();
  SCIMIX_CHECK(shape.rank() == 4 && group >= 1, "minibatch_deviation: x ", shape, ", group ",
               group);
  const std::int64_t members = std::max<std::int64_t>(std::min(group, shape[0]), 1);
  SCIMIX_CHECK(shape[0] % members == 0, "minibatch_deviation: a batch of ", shape[0],
               " rows, expected fewer than the group of ", group, " or a multiple of it");
  const std::int64_t groups = shape[0] / members;
  const Variable wide = cast(x, compute_type(x.dtype()));
  const Variable grouped = reshape(wide, {members, groups, shape[1], shape[2], shape[3]});
  const Variable deviation = sqrt(add_scalar(variance(grouped, {.axes = {0}}), kEps));
  const Variable one = mean(deviation, {.axes = {1, 2, 3}, .keep_dims = true});
  const Variable spread = broadcast_to(one, {members, groups, shape[1], shape[2], 1});
  const std::array parts{x, cast(reshape(spread, shape.with(3, 1)), x.dtype())};
  return concat_channels(parts);
}

Discriminator::Discriminator(const DiscriminatorConfig& config, std::uint64_t seed, Device device,
                             DType dtype)
    : config_(checked(config)), store_(seed, dtype) {
  const int stages = stages_of(config.image_size);
  const Tensor filter = resample_filter(dtype, device);
  from_rgb_.emplace(store_, "fromrgb",
                    EqualizedConv::Options{.in = 3, .out = channels_at(config, 0), .kernel = 1});
  for (int i = 0; i < stages; ++i) blocks_.push_back(make_block(i, filter));
  epilogue_ = make_epilogue(channels_at(config, stages), config.image_size >> stages);
  store_.place(device);
}

Discriminator::Block Discriminator::make_block(int index, const Tensor& filter) {
  const std::string name = "blocks." + std::to_string(index);
  const std::int64_t in = channels_at(config_, index);
  const std::int64_t out = channels_at(config_, index + 1);
  const bool resnet = config_.arch == DiscriminatorArch::resnet;
  // With a gain of sqrt(1/2) in each branch, the sum of the two has the mean square of one.
  const double gain = resnet ? std::sqrt(0.5) : 1.0;
  const BiasAct act{.slope = kLeakyReLU.slope, .gain = kLeakyReLU.gain * gain};
  Block block{
      .conv0 = EqualizedConv(store_, name + ".conv0", {.in = in, .out = in}),
      .conv1 = EqualizedConv(store_, name + ".conv1",
                             {.in = in, .out = out, .bias_act = act, .down_filter = filter}),
      .skip = std::nullopt};
  if (resnet) {
    block.skip.emplace(store_, name + ".skip",
                       EqualizedConv::Options{.in = in,
                                              .out = out,
                                              .kernel = 1,
                                              .bias_act = std::nullopt,
                                              .gain = gain,
                                              .down_filter = filter});
  }
  return block;
}

Discriminator::Epilogue Discriminator::make_epilogue(std::int64_t channels, std::int64_t size) {
  const std::int64_t in = channels + (config_.minibatch_std > 0 ? 1 : 0);
  return {.conv = EqualizedConv(store_, "epilogue.conv", {.in = in, .out = channels}),
          .fc = EqualizedLinear(
              store_, "epilogue.fc",
              {.in = channels * size * size, .out = channels, .activation = kLeakyReLU}),
          .out = EqualizedLinear(store_, "epilogue.out", {.in = channels, .out = 1})};
}

Variable Discriminator::forward(const Variable& image) const {
  const std::int64_t size = config_.image_size;
  SCIMIX_CHECK(image.shape().rank() == 4 && image.shape() == (Shape{image.dim(0), size, size, 3}),
               "Discriminator: input ", image.shape(), ", expected [N,", size, ",", size, ",3]");
  Variable x = (*from_rgb_)(image);
  for (const Block& block : blocks_) {
    const Variable main = block.conv1(block.conv0(x));
    x = block.skip ? add((*block.skip)(x), main) : main;
  }
  if (config_.minibatch_std > 0) x = minibatch_deviation(x, config_.minibatch_std);
  x = epilogue_->conv(x);
  const Variable flat = reshape(x, {x.dim(0), x.dim(1) * x.dim(2) * x.dim(3)});
  return reshape(epilogue_->out(epilogue_->fc(flat)), {x.dim(0)});
}

}  // namespace scimix

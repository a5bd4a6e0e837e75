#include "models/wide_resnet.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kStemChannels = 16;
constexpr int kStages = 3;

int blocks_per_stage(const WideResNetConfig& config) {
  check_depth("WideResNet depth", config.depth);
  if (config.width < 1) user_error("WideResNet width ", config.width, ": expected at least 1");
  if (config.classes < 0) {
    user_error("WideResNet with ", config.classes, " classes: expected at least 1, or 0 for none");
  }
  return (config.depth - 4) / 6;
}

}  // namespace

WideResNet::WideResNet(const WideResNetConfig& config, std::uint64_t seed, Device device,
                       DType dtype)
    : config_(config),
      store_(seed, dtype),
      stem_(store_, "conv1", {.in = 3, .out = kStemChannels}) {
  const int per_stage = blocks_per_stage(config);
  std::int64_t in = kStemChannels;
  for (int i = 0; i < kStages * per_stage; ++i) {
    const int stage = i / per_stage;
    const std::int64_t out = (kStemChannels << stage) * config.width;
    const int stride = stage > 0 && i % per_stage == 0 ? 2 : 1;
    const std::string name = "blocks." + std::to_string(i);
    Block block{
        .norm1 = NormActLayer(store_, name + ".bn1", in, config.norm),
        .conv1 = ConvLayer(store_, name + ".conv1", {.in = in, .out = out, .stride = stride}),
        .norm2 = NormActLayer(store_, name + ".bn2", out, config.norm),
        .conv2 = ConvLayer(store_, name + ".conv2", {.in = out, .out = out}),
        .shortcut = std::nullopt};
    if (in != out) {
      block.shortcut.emplace(store_, name + ".shortcut",
                             ConvLayer::Size{.in = in, .out = out, .kernel = 1, .stride = stride});
    }
    blocks_.push_back(std::move(block));
    in = out;
  }
  last_norm_.emplace(store_, "bn", in, config.norm);
  if (config.classes > 0) classifier_.emplace(store_, "fc", in, config.classes);
  store_.place(device);
}

WideResNet::Sum WideResNet::run_block(const Block& block, const Variable& a,
                                      const Variable& shortcut_source, const NormPass& pass) {
  Sum out;
  out.shortcut = block.shortcut ? (*block.shortcut)(shortcut_source) : shortcut_source;
  out.branch = block.conv2(block.norm2(block.conv1(a), pass));
  return out;
}

WideResNet::Output WideResNet::forward(const Variable& x, const NormPass& pass) const {
  SCIMIX_CHECK(x.value().rank() == 4 && x.dim(3) >= 3 && x.dim(1) % 4 == 0 && x.dim(2) % 4 == 0,
               "WideResNet: input ", x.shape(), ", expected [N,H,W,3] with H and W multiples of 4");
  const Variable first = blocks_.front().norm1(stem_(x), pass);
  Sum sum = run_block(blocks_.front(), first, first, pass);
  for (std::size_t i = 1; i < blocks_.size(); ++i) {
    const AddBatchNorm in = blocks_[i].norm1.of_sum(sum.shortcut, sum.branch, pass);
    sum = run_block(blocks_[i], in.y, in.sum, pass);
  }
  Output out;
  out.map = last_norm_->of_sum(sum.shortcut, sum.branch, pass).y;
  out.features = global_average_pool(out.map);
  if (classifier_) out.logits = (*classifier_)(out.features);
  return out;
}

}  // namespace scimix

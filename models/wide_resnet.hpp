// WideResNet (Zagoruyko and Komodakis 2016) as FixMatch uses it (google-research/fixmatch,
// libml/models.py): pre-activation blocks, leaky ReLU 0.1, batch norm eps 1e-3.
//
//   a = lrelu(bn1(x)); h = conv1(a); h = conv2(lrelu(bn2(h))); out = shortcut + h
//
// The shortcut starts from x, in the very first block from a; where channels change it is a strided
// 1x1 convolution. Strided convolutions pad 1 on all sides (TensorFlow's SAME is asymmetric).
#pragma once

#include <optional>
#include <vector>

#include "models/layers.hpp"

namespace scimix {

struct WideResNetConfig {
  int depth = 28;    // 6 n + 4: three stages of n blocks
  int width = 2;     // stages have 16, 32, 64 channels times this
  int classes = 10;  // 0: no classifier, as in the encoder of structure codes
  NormActLayer::Settings norm = {};
};

class WideResNet {
 public:
  // Throws a user error for a depth that is not 6 n + 4, a width below 1 or a negative class
  // number.
  WideResNet(const WideResNetConfig& config, std::uint64_t seed, Device device,
             DType dtype = DType::f32);

  struct Output {
    Variable map;       // [N,H/4,W/4,features]: after the last batch norm and leaky ReLU
    Variable features;  // [N,features]: its average over space
    Variable logits;    // [N,classes]; undefined without a classifier
  };
  // x [N,H,W,3] in [-1,1], H and W multiples of 4; more channels than three must be zeros (conv2d).
  [[nodiscard]] Output forward(const Variable& x, const NormPass& pass) const;

  [[nodiscard]] std::int64_t features() const { return std::int64_t{64} * config_.width; }
  [[nodiscard]] const WideResNetConfig& config() const { return config_; }
  [[nodiscard]] const ParameterStore& parameters() const { return store_; }

 private:
  // x as the two summands that the next batch norm adds up.
  struct Sum {
    Variable shortcut;
    Variable branch;
  };
  struct Block {
    NormActLayer norm1;
    ConvLayer conv1;
    NormActLayer norm2;
    ConvLayer conv2;
    std::optional<ConvLayer> shortcut;
  };
  [[nodiscard]] static Sum run_block(const Block& block, const Variable& a,
                                     const Variable& shortcut_source, const NormPass& pass);

  WideResNetConfig config_;
  ParameterStore store_;
  ConvLayer stem_;
  std::vector<Block> blocks_;
  std::optional<NormActLayer> last_norm_;
  std::optional<LinearLayer> classifier_;
};

}  // namespace scimix

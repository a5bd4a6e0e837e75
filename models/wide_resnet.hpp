// WideResNet (Zagoruyko and Komodakis 2016) as FixMatch uses it (google-research/fixmatch,
// libml/models.py), with pre-activation blocks, leaky ReLU of slope 0.1 and batch norm of eps 1e-3.
// See docs/method.md, section 3.1. A block computes
//
//   a = lrelu(bn1(x)); h = conv1(a); h = conv2(lrelu(bn2(h))); out = shortcut + h
//
// The shortcut is x; in the first block of the network it is a. If the number of channels changes,
// a strided 1x1 convolution is applied to it. Strided 3x3 convolutions pad one pixel on all sides,
// whereas TensorFlow's SAME padding is asymmetric.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "models/layers.hpp"

namespace scimix {

struct WideResNetConfig {
  int depth = 28;    // 6 n + 4: three stages of n blocks
  int width = 2;     // the stages have 16, 32 and 64 times this many channels
  int classes = 10;  // 0: no classifier, as in the scene encoder E_r
  NormActLayer::Settings norm = {};
};

// Checks a number of layers; `what` begins the message. Errors (user): it is not 6 n + 4, n >= 1.
inline void check_depth(const std::string& what, int depth) {
  if (depth < 10 || (depth - 4) % 6 != 0) {
    user_error(what, " ", depth, ": expected 6 n + 4 with n >= 1 (10, 16, 22, 28)");
  }
}

class WideResNet {
 public:
  // Errors (user): a depth that is not 6 n + 4, a width below 1, a negative number of classes.
  WideResNet(const WideResNetConfig& config, std::uint64_t seed, Device device,
             DType dtype = DType::f32);

  struct Output {
    Variable map;       // [N,H/4,W/4,features]: after the last batch norm and leaky ReLU
    Variable features;  // [N,features]: the average of `map` over height and width
    Variable logits;    // [N,classes]; undefined without a classifier
  };
  // Runs the network on x [N,H,W,3] in [-1,1], with H and W multiples of 4. x may have further
  // channels if they are zero, which spares conv2d a padded copy.
  [[nodiscard]] Output forward(const Variable& x, const NormPass& pass) const;

  [[nodiscard]] std::int64_t features() const { return std::int64_t{64} * config_.width; }
  [[nodiscard]] const WideResNetConfig& config() const { return config_; }
  [[nodiscard]] const ParameterStore& parameters() const { return store_; }
  [[nodiscard]] ParameterStore& parameters() { return store_; }

 private:
  // The result of a block as two summands, which the next batch norm adds.
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

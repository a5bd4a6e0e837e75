// SciMix's auto-encoder (Sun et al., ICPR 2022, section III; docs/method.md, section 3): an encoder
// for the class of an image, an encoder for its scene (everything else), and a generator that makes
// an image from the two codes.
//
//   z_c = E_c(x), logits = C(E_c's features);  z_r = E_r(x);  G(z_c, z_r) -> an image
//
// Both codes have unit root mean square: z_c per image, z_r per location. `structural_zc` exchanges
// their roles (Table IV): z_c is then the map from which G starts, and z_r the style code.
#pragma once

#include "models/codes.hpp"
#include "models/generator.hpp"
#include "models/wide_resnet.hpp"

namespace scimix {

struct AutoencoderConfig {
  WideResNetConfig encoder;  // E_c with C; E_r has the same layers without a classifier
  // latent_channels and style_channels are ignored and set to the encoders' features.
  GeneratorConfig generator;
  bool structural_zc = false;
};

struct SemanticCode {
  Variable logits;  // [N,classes]
  Variable z_c;     // [N,F], F features; with structural_zc [N,H/4,W/4,F]
};

class Autoencoder {
 public:
  // Errors (user): those of WideResNet and Generator.
  Autoencoder(const AutoencoderConfig& config, std::uint64_t seed, Device device,
              DType dtype = DType::f32);

  // Returns the logits and the semantic code of x [N,H,W,3] in [-1,1].
  [[nodiscard]] SemanticCode encode_semantic(const Variable& x, const NormPass& pass) const;
  // Returns the same from the output of the semantic encoder for x.
  [[nodiscard]] SemanticCode semantic_code(const WideResNet::Output& out) const;
  // Returns the scene code of x [N,H,W,3] in [-1,1]: [N,H/4,W/4,F]; with structural_zc [N,F].
  [[nodiscard]] Variable encode_scene(const Variable& x, const NormPass& pass) const;
  // Returns G's images [N,H,W,3], not clamped to [-1,1].
  [[nodiscard]] Variable generate(const Variable& z_c, const Variable& z_r,
                                  const NoiseSource* noise = nullptr) const;

  [[nodiscard]] const WideResNet& semantic_encoder() const { return e_c_; }
  [[nodiscard]] const WideResNet& scene_encoder() const { return e_r_; }
  [[nodiscard]] const Generator& generator() const { return g_; }
  [[nodiscard]] const AutoencoderConfig& config() const { return config_; }

 private:
  AutoencoderConfig config_;
  WideResNet e_c_;
  WideResNet e_r_;
  Generator g_;
};

}  // namespace scimix

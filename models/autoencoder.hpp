// SciMix's auto-encoder (Sun et al., ICPR 2022, section III): an encoder for what an image shows,
// an encoder for everything else, and a generator that puts the two together.
//
//   z_c = E_c(x), logits = C(z_c);  z_r = E_r(x);  G(z_c, z_r) -> an image
//
// Both codes have unit root mean square, z_c per image, z_r per location. With `structural_zc` the
// roles of the two are exchanged (Table IV): z_c is then the map that G starts from and z_r the
// style.
#pragma once

#include "models/codes.hpp"
#include "models/generator.hpp"
#include "models/wide_resnet.hpp"

namespace scimix {

struct AutoencoderConfig {
  WideResNetConfig encoder;  // of E_c; E_r is the same without the classifier
  // latent_channels and style_channels are those of the encoders.
  GeneratorConfig generator;
  bool structural_zc = false;
};

struct SemanticCode {
  Variable logits;  // [N,classes]
  Variable z_c;     // [N,F]; with structural_zc [N,H/4,W/4,F]
};

class Autoencoder {
 public:
  // Errors (user): as WideResNet and Generator.
  Autoencoder(const AutoencoderConfig& config, std::uint64_t seed, Device device,
              DType dtype = DType::f32);

  // x [N,H,W,3] in [-1,1].
  [[nodiscard]] SemanticCode encode_semantic(const Variable& x, const NormPass& pass) const;
  // [N,H/4,W/4,F]; with structural_zc [N,F].
  [[nodiscard]] Variable encode_scene(const Variable& x, const NormPass& pass) const;
  // -> [N,H,W,3], not clamped.
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

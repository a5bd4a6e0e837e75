#include "models/autoencoder.hpp"

namespace scimix {

namespace {

// Initial weights depend on the seed and the parameter's name. E_c, E_r and G use the same names,
// so each network gets a different seed.
constexpr std::uint64_t kSceneSeed = 0x5CE7E;
constexpr std::uint64_t kGeneratorSeed = 0x6E7E;

// Sets the channels of both codes to the number of the encoders' features.
GeneratorConfig with_codes(GeneratorConfig config, std::int64_t features) {
  config.latent_channels = features;
  config.style_channels = features;
  return config;
}

WideResNetConfig without_classifier(WideResNetConfig config) {
  config.classes = 0;
  return config;
}

}  // namespace

Autoencoder::Autoencoder(const AutoencoderConfig& config, std::uint64_t seed, Device device,
                         DType dtype)
    : config_(config),
      e_c_(config_.encoder, seed, device, dtype),
      e_r_(without_classifier(config_.encoder), seed ^ kSceneSeed, device, dtype),
      g_(with_codes(config.generator, e_c_.features()), seed ^ kGeneratorSeed, device, dtype) {
  config_.generator = g_.config();
}

SemanticCode Autoencoder::encode_semantic(const Variable& x, const NormPass& pass) const {
  return semantic_code(e_c_.forward(x, pass));
}

SemanticCode Autoencoder::semantic_code(const WideResNet::Output& out) const {
  return {out.logits, unit_rms(config_.structural_zc ? out.map : out.features)};
}

Variable Autoencoder::encode_scene(const Variable& x, const NormPass& pass) const {
  const WideResNet::Output out = e_r_.forward(x, pass);
  return unit_rms(config_.structural_zc ? out.features : out.map);
}

Variable Autoencoder::generate(const Variable& z_c, const Variable& z_r,
                               const NoiseSource* noise) const {
  return config_.structural_zc ? g_.forward(z_c, z_r, noise) : g_.forward(z_r, z_c, noise);
}

}  // namespace scimix

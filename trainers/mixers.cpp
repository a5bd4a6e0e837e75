#include "trainers/mixers.hpp"

#include <algorithm>
#include <vector>

#include "autograd/tape.hpp"
#include "core/random.hpp"
#include "kernels/image/mixing.hpp"

namespace scimix {

namespace {

// Clamps the images in place.
Tensor clamped(Tensor images) {
  clamp_images(images, images);
  return images;
}

Tensor like(const Tensor& x) {
  return Tensor::empty(x.shape(), x.dtype(), x.device());
}

}  // namespace

Mixer scimix_mixer(const Autoencoder& networks) {
  return [&networks](const Tensor& x_c, const Tensor& x_r, std::int64_t) {
    const NoGrad no_grad;
    const NormPass pass{.mode = NormMode::eval};
    const SemanticCode semantic = networks.encode_semantic(Variable(x_c), pass);
    const Variable z_r = networks.encode_scene(Variable(x_r), pass);
    return clamped(networks.generate(semantic.z_c, z_r).value());
  };
}

Mixer mixup_mixer(std::uint64_t seed) {
  return [seed](const Tensor& x_c, const Tensor& x_r, std::int64_t first) {
    std::vector<float> shares;
    for (std::int64_t i = 0; i < x_c.dim(0); ++i) {
      Random random(seed, Purpose::pairing, 1, static_cast<std::uint32_t>(first + i));
      const float u = random.uniform();
      shares.push_back(std::max(u, 1.0F - u));
    }
    const Tensor lambda =
        Tensor::from_host(std::span<const float>(shares), {x_c.dim(0)}, x_c.device());
    Tensor out = like(x_c);
    mix_mixup(x_c, x_r, lambda, out);
    return clamped(out);
  };
}

Mixer adain_mixer() {
  return [](const Tensor& x_c, const Tensor& x_r, std::int64_t) {
    Tensor out = like(x_c);
    mix_adain(x_c, x_r, out);
    return clamped(out);
  };
}

Mixer fda_mixer(double band) {
  return [band](const Tensor& x_c, const Tensor& x_r, std::int64_t) {
    Tensor out = like(x_c);
    mix_fda(x_c, x_r, band, out);
    return clamped(out);
  };
}

}  // namespace scimix

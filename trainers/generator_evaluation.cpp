#include "trainers/generator_evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "trainers/mixers.hpp"
#include "trainers/pixels.hpp"

namespace scimix {

namespace {

constexpr std::uint64_t kSeed = 0;  // of the pairs

// Of images mixed with themselves.
double reconstruction_error(const Mixer& mixer, const ResidentSet& images,
                            std::span<const std::int32_t> indices, std::int64_t batch) {
  const NoGrad no_grad;
  const std::int64_t count = std::ssize(indices);
  double squares = 0;
  for (std::int64_t first = 0; first < count; first += batch) {
    const auto rows = static_cast<std::size_t>(std::min(batch, count - first));
    const Tensor x =
        images.plain(indices.subspan(static_cast<std::size_t>(first), rows), DType::f32)
            .images.value();
    const Variable error = sub(Variable(mixer(x, x, first)), Variable(x));
    squares += mean(square(error)).value().to_doubles()[0] * static_cast<double>(rows);
  }
  return std::sqrt(squares / static_cast<double>(std::max<std::int64_t>(count, 1)));
}

}  // namespace

GeneratorEvaluation evaluate_generator(const Autoencoder& networks, const ResidentSet& images,
                                       std::int64_t pairs, std::int64_t batch) {
  const Pairs mixed = make_pairs(std::min(pairs, images.count()), images.count(), kSeed);
  const Mixer mixer = scimix_mixer(networks);
  return {.classifier = evaluate(networks.semantic_encoder(), images, batch, DType::f32),
          .reconstruction = reconstruction_error(mixer, images, mixed.content, batch),
          .transfer = measure_transfer(mixer, networks.semantic_encoder(), images, mixed, batch)};
}

std::vector<std::uint8_t> sample_grid(const Autoencoder& networks, const ResidentSet& images,
                                      std::int64_t pairs) {
  const Pairs mixed = make_pairs(pairs, images.count(), kSeed);
  const Tensor x_c = images.plain(mixed.content, DType::f32).images.value();
  const Tensor x_r = images.plain(mixed.scene, DType::f32).images.value();
  const Mixer mixer = scimix_mixer(networks);
  return side_by_side({x_c, x_r, mixer(x_r, x_r, 0), mixer(x_c, x_r, 0)});
}

}  // namespace scimix

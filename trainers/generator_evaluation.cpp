#include "trainers/generator_evaluation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "trainers/batch_parts.hpp"
#include "trainers/mixers.hpp"
#include "trainers/pixels.hpp"
#include "trainers/rank_state.hpp"

namespace scimix {

namespace {

constexpr std::uint64_t kSeed = 0;  // of the pairs

// Returns the sum over images of the mean square error of their reconstructions.
double squared_errors(const Mixer& mixer, const ResidentSet& images,
                      std::span<const std::int32_t> indices, std::int64_t batch, DType dtype) {
  const NoGrad no_grad;
  const std::int64_t count = std::ssize(indices);
  double squares = 0;
  for (std::int64_t first = 0; first < count; first += batch) {
    const auto rows = static_cast<std::size_t>(std::min(batch, count - first));
    const Tensor x =
        images.plain(indices.subspan(static_cast<std::size_t>(first), rows), dtype).images.value();
    const Variable error = sub(Variable(mixer(x, x, first)), Variable(x));
    squares += mean(square(error)).value().to_doubles()[0] * static_cast<double>(rows);
  }
  return squares;
}

// Returns the pairs that this rank mixes.
Pairs pairs_of_this_rank(const Pairs& pairs, const Comm& ranks) {
  const RankRows mine(ranks, std::ssize(pairs.content));
  return {.content = mine.of(pairs.content), .scene = mine.of(pairs.scene)};
}

// Returns the dtype of images for the networks: f64 in an f64 run, otherwise f32.
DType image_type(const Autoencoder& networks) {
  return networks.generator().parameters().dtype();
}

}  // namespace

std::optional<GeneratorEvaluation> evaluate_generator(const Autoencoder& networks,
                                                      const ResidentSet& images, std::int64_t pairs,
                                                      std::int64_t batch, Comm& ranks,
                                                      const EvaluationOptions& options) {
  const std::int64_t count = std::min(pairs, images.count());
  const Pairs mine = pairs_of_this_rank(make_pairs(count, images.count(), kSeed), ranks);
  const Mixer mixer = scimix_mixer(networks);
  const DType dtype = image_type(networks);
  const WideResNet& classifier = networks.semantic_encoder();
  const auto given_up = [&] { return options.give_up && any_rank(options.give_up(), ranks); };
  const std::optional<Evaluation> judged =
      evaluate(classifier, images, batch, dtype, ranks, options);
  if (!judged) return std::nullopt;
  const Transfer here = measure_transfer(mixer, classifier, images, mine, batch, dtype);
  if (given_up()) return std::nullopt;
  const std::array found{squared_errors(mixer, images, mine.content, batch, dtype),
                         static_cast<double>(here.class_kept),
                         static_cast<double>(here.scene_kept)};
  std::array<double, found.size()> all{};
  const std::vector<double> by_rank = ranks.all_gather(found);
  for (std::size_t i = 0; i < by_rank.size(); ++i) all[i % all.size()] += by_rank[i];
  const auto number = static_cast<double>(std::max<std::int64_t>(count, 1));
  return GeneratorEvaluation{.classifier = *judged,
                             .reconstruction = std::sqrt(all[0] / number),
                             .transfer = {.pairs = count,
                                          .class_kept = static_cast<std::int64_t>(all[1]),
                                          .scene_kept = static_cast<std::int64_t>(all[2])}};
}

std::vector<std::uint8_t> grid_of_pairs(const ResidentSet& images, const Pairs& pairs,
                                        std::int64_t count, std::int64_t batch, DType dtype,
                                        const GridColumns& columns) {
  std::vector<std::uint8_t> pixels;
  for (std::int64_t first = 0; first < count; first += batch) {
    const auto take = [&](const std::vector<std::int32_t>& indices) {
      const auto rows =
          std::span(indices).subspan(static_cast<std::size_t>(first),
                                     static_cast<std::size_t>(std::min(batch, count - first)));
      return images.plain(rows, dtype).images.value();
    };
    const std::vector<std::uint8_t> rows =
        side_by_side(columns(take(pairs.content), take(pairs.scene), first));
    pixels.insert(pixels.end(), rows.begin(), rows.end());
  }
  return pixels;
}

std::vector<std::uint8_t> sample_grid(const Autoencoder& networks, const ResidentSet& images,
                                      std::int64_t pairs, std::int64_t batch) {
  const Mixer mixer = scimix_mixer(networks);
  return grid_of_pairs(
      images, make_pairs(pairs, images.count(), kSeed), pairs, batch, image_type(networks),
      [&](const Tensor& x_c, const Tensor& x_r, std::int64_t first) {
        return std::vector{x_c, x_r, mixer(x_r, x_r, first), mixer(x_c, x_r, first)};
      });
}

}  // namespace scimix

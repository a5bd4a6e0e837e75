#include "trainers/transfer.hpp"

#include <algorithm>
#include <span>

#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "data/random_order.hpp"
#include "kernels/image/mixing.hpp"
#include "kernels/metrics/metrics.hpp"
#include "losses/classification.hpp"

namespace scimix {

namespace {

// Returns the number of ones.
std::int64_t count_ones(const Tensor& flags) {
  const std::vector<std::int32_t> values = flags.to_host<std::int32_t>();
  return std::count(values.begin(), values.end(), 1);
}

double share(std::int64_t count, std::int64_t of) {
  return of == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(of);
}

}  // namespace

double Transfer::s_c() const {
  return share(class_kept, pairs);
}

double Transfer::s_r() const {
  return share(scene_kept, pairs);
}

Pairs make_pairs(std::int64_t count, std::int64_t images, std::uint64_t seed) {
  if (images < 2) user_error("pairs of ", images, " images: expected at least 2 images");
  const auto order =
      random_order(static_cast<std::size_t>(images), Random(seed, Purpose::pairing, 0, 0));
  Pairs pairs;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t distance = 1 + i / images % (images - 1);
    pairs.content.push_back(order[static_cast<std::size_t>(i % images)]);
    pairs.scene.push_back(order[static_cast<std::size_t>((i + distance) % images)]);
  }
  return pairs;
}

Transfer measure_transfer(const Mixer& mixer, const WideResNet& oracle, const ResidentSet& images,
                          const Pairs& pairs, std::int64_t batch, DType dtype) {
  const NoGrad no_grad;
  Tensor sums = Tensor::zeros({3}, DType::f32, images.device());
  Transfer result;
  result.pairs = std::ssize(pairs.content);
  for (std::int64_t first = 0; first < result.pairs; first += batch) {
    const auto begin = static_cast<std::size_t>(first);
    const auto rows = static_cast<std::size_t>(std::min(batch, result.pairs - first));
    const Batch content = images.plain(std::span(pairs.content).subspan(begin, rows), dtype);
    const Batch scene = images.plain(std::span(pairs.scene).subspan(begin, rows), dtype);
    const Tensor hybrids = mixer(content.images.value(), scene.images.value(), first);
    const auto out = oracle.forward(Variable(hybrids), {.mode = NormMode::eval});
    add_metrics(classification_loss(out.logits, content.labels).per_row.value(), out.logits.value(),
                content.labels, sums);
    Tensor won = Tensor::empty({static_cast<std::int64_t>(rows)}, DType::i32, images.device());
    scene_won(hybrids, content.images.value(), scene.images.value(), won);
    result.scene_kept += count_ones(won);
  }
  const std::vector<double> host = sums.to_doubles();
  result.class_kept = static_cast<std::int64_t>(host[static_cast<int>(MetricSlot::correct)]);
  return result;
}

}  // namespace scimix

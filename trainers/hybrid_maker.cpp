#include "trainers/hybrid_maker.hpp"

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "core/random.hpp"
#include "data/random_order.hpp"
#include "kernels/elementwise/elementwise.hpp"
#include "kernels/image/mixing.hpp"
#include "kernels/softmax/pseudo_label.hpp"
#include "trainers/batch_parts.hpp"
#include "trainers/beta_distribution.hpp"

namespace scimix {

namespace {

// The items that address the random numbers of a step: one for the permutation, then one per pair.
constexpr std::uint32_t kOrder = 0;
constexpr std::uint32_t kFirstShare = 1;

// Returns labels, i32 [N]: the known labels of the first rows, then the class with the largest
// value in each row of `rows`, [N,classes].
Tensor labels_of(const Tensor& rows, const Tensor& known) {
  Tensor labels = Tensor::empty({rows.dim(0)}, DType::i32, rows.device());
  Tensor unused = Tensor::empty({rows.dim(0)}, DType::f32, rows.device());
  pseudo_labels(rows, /*threshold=*/0.0, labels, unused);
  labels.rows(0, known.dim(0)).copy_(known);
  return labels;
}

Tensor same_share(double share, std::int64_t rows, Device device) {
  Tensor shares = Tensor::empty({rows}, DType::f32, device);
  fill(shares, share);
  return shares;
}

template <class T>
Tensor on_device(const std::vector<T>& values, const Shape& shape, Device device) {
  if (values.empty()) return {};
  return Tensor::from_host(std::span<const T>(values), shape, device);
}

Tensor like(const Tensor& x) {
  return Tensor::empty(x.shape(), x.dtype(), x.device());
}

// Returns the random numbers of one pair of a step.
Random random_of(std::uint64_t seed, std::int64_t step, std::int64_t pair) {
  return {seed, Purpose::pairing, static_cast<std::uint32_t>(step),
          kFirstShare + static_cast<std::uint32_t>(pair)};
}

}  // namespace

HybridMaker::HybridMaker(const ClassifierConfig& config, const Autoencoder* generator)
    : settings_(config.hybrids),
      labeled_only_(config.hybrids.use == HybridUse::labeled),
      alpha_(config.hybrids.use == HybridUse::consistency ? 1.0 : config.hybrids.alpha),
      seed_(config.seed),
      generator_(generator) {}

bool HybridMaker::draws_shares() const {
  return settings_.mixer == MixerKind::mixup || settings_.mixer == MixerKind::cutmix;
}

bool HybridMaker::draws_corners() const {
  return settings_.mixer == MixerKind::cutmix;
}

std::int64_t HybridMaker::count(const HybridRows& rows) const {
  return labeled_only_ ? rows.labeled : rows.all;
}

PairDraws HybridMaker::draw(const HybridRows& rows, std::int64_t step, const Comm& ranks) const {
  BatchLayout batch(ranks);
  batch.add_per_rank(Part::labeled, rows.labeled);
  batch.add_per_rank(Part::weak, rows.all - rows.labeled);
  const std::vector<std::int32_t> order =
      random_order(static_cast<std::size_t>(batch.all_rows()),
                   Random(seed_, Purpose::pairing, static_cast<std::uint32_t>(step), kOrder));
  // The row number of each semantic parent in the batch of all ranks.
  const std::vector<std::int64_t> numbers = batch.numbers(count(rows));
  PairDraws draws;
  for (const std::int64_t number : numbers) {
    const std::int32_t scene = order[static_cast<std::size_t>(number)];
    draws.scenes.push_back(static_cast<std::int32_t>(batch.gathered_row(scene)));
  }
  if (draws_corners()) {
    draw_boxes(numbers, rows, step, draws);
  } else if (draws_shares()) {
    draw_shares(numbers, step, draws);
  }
  return draws;
}

void HybridMaker::draw_shares(std::span<const std::int64_t> numbers, std::int64_t step,
                              PairDraws& draws) const {
  for (const std::int64_t number : numbers) {
    Random random = random_of(seed_, step, number);
    draws.shares.push_back(static_cast<float>(beta_symmetric(random, settings_.mixup_alpha)));
  }
}

// The mixing weight is the fraction of x_c's area outside the box, after clipping at the border.
void HybridMaker::draw_boxes(std::span<const std::int64_t> numbers, const HybridRows& rows,
                             std::int64_t step, PairDraws& draws) const {
  for (const std::int64_t number : numbers) {
    Random random = random_of(seed_, step, number);
    const double lambda = random.uniform();  // Beta(1, 1)
    const double y = random.uniform();
    const double x = random.uniform();
    const CutBox box = cut_box(lambda, y, x, rows.height, rows.width);
    draws.corners.insert(draws.corners.end(), {box.y0, box.x0, box.y1, box.x1});
    draws.shares.push_back(static_cast<float>(share_outside(box, rows.height, rows.width)));
  }
}

Hybrids HybridMaker::make(const HybridParents& parents, std::int64_t step, Comm& ranks) const {
  const HybridRows rows{.labeled = parents.labels.dim(0),
                        .all = parents.images.dim(0),
                        .height = parents.images.dim(1),
                        .width = parents.images.dim(2)};
  const PairDraws draws = draw(rows, step, ranks);
  const std::int64_t k = count(rows);
  const Device device = parents.images.device();
  return make(parents,
              {.scenes = on_device(draws.scenes, {k}, device),
               .shares = on_device(draws.shares, {k}, device),
               .corners = on_device(draws.corners, {k, 4}, device)},
              ranks);
}

Hybrids HybridMaker::make(const HybridParents& parents, const DrawnPairs& pairs,
                          Comm& ranks) const {
  const NoGrad constant;
  const std::int64_t rows = pairs.scenes.dim(0);
  const Contents contents{.images = parents.images.rows(0, rows), .labels = parents.labels};
  const auto of_partners = [&](const Tensor& x) {
    const Variable all = ranks.is_alone() ? Variable(x) : gather_ranks(Variable(x), ranks);
    return gather_rows(all, pairs.scenes).value();
  };
  const Tensor x_r = of_partners(parents.images);
  const Mixed mixed = settings_.mixer == MixerKind::scimix ? by_generator(contents, x_r)
                                                           : by_pixels(contents, x_r, pairs);
  Hybrids out;
  out.images = Variable(mixed.images);
  out.scenes = pairs.scenes;
  out.share = mixed.share;
  out.kept = mixed.kept;
  out.p_c = parents.predictions.rows(0, rows);
  out.p_r = of_partners(parents.predictions);
  out.labels = mixed.labels.defined() ? mixed.labels : labels_of(out.p_c, parents.labels);
  return out;
}

HybridMaker::Mixed HybridMaker::by_generator(const Contents& contents, const Tensor& x_r) const {
  const NormPass pass{.mode = NormMode::eval};
  const SemanticCode of_content = generator_->encode_semantic(Variable(contents.images), pass);
  const Variable z_r = generator_->encode_scene(Variable(x_r), pass);
  Mixed out;
  out.images = generator_->generate(of_content.z_c, z_r).value();
  clamp_images(out.images, out.images);
  const std::int64_t rows = out.images.dim(0);
  out.share = same_share(alpha_, rows, out.images.device());
  out.labels = labels_of(of_content.logits.value(), contents.labels);
  if (settings_.filter) {
    out.kept = Tensor::empty({rows}, DType::f32, out.images.device());
    agreeing_rows(generator_->encode_semantic(Variable(out.images), pass).logits.value(),
                  out.labels, out.kept);
  }
  return out;
}

HybridMaker::Mixed HybridMaker::by_pixels(const Contents& contents, const Tensor& x_r,
                                          const DrawnPairs& pairs) const {
  const Tensor& x_c = contents.images;
  Mixed out{.images = like(x_c), .share = pairs.shares};
  switch (settings_.mixer) {  // without a default, so that the compiler reports a missing mixer
    case MixerKind::none:
    case MixerKind::scimix:
      SCIMIX_CHECK(false, "by_pixels with mixer ", name_of(settings_.mixer));
    case MixerKind::mixup:
      mix_mixup(x_c, x_r, pairs.shares, out.images);
      return out;
    case MixerKind::cutmix:
      mix_cutmix(x_c, x_r, pairs.corners, out.images);
      return out;
    case MixerKind::adain:
      mix_adain(x_c, x_r, out.images);
      break;
    case MixerKind::fda:
      mix_fda(x_c, x_r, settings_.fda_band, out.images);
      break;
  }
  // AdaIN and FDA draw no mixing weights, and their pixels can leave [-1,1].
  out.share = same_share(alpha_, x_c.dim(0), x_c.device());
  clamp_images(out.images, out.images);
  return out;
}

}  // namespace scimix

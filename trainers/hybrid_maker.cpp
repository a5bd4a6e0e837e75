#include "trainers/hybrid_maker.hpp"

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "core/random.hpp"
#include "data/random_order.hpp"
#include "kernels/mixing.hpp"
#include "kernels/pseudo_label.hpp"
#include "trainers/beta_distribution.hpp"

namespace scimix {

namespace {

// Items of the random numbers of a step's pairs.
constexpr std::uint32_t kOrder = 0;
constexpr std::uint32_t kFirstShare = 1;

// The labels that are known, then the class with the largest of [N,classes] -> i32 [N].
Tensor labels_of(const Tensor& rows, const Tensor& known) {
  const Tensor labels = Tensor::empty({rows.dim(0)}, DType::i32, rows.device());
  const Tensor unused = Tensor::empty({rows.dim(0)}, DType::f32, rows.device());
  pseudo_labels(rows, /*threshold=*/0.0, labels, unused);
  labels.rows(0, known.dim(0)).copy_(known);
  return labels;
}

Tensor same_share(double share, std::int64_t rows, Device device) {
  const std::vector<float> values(static_cast<std::size_t>(rows), static_cast<float>(share));
  return Tensor::from_host(std::span<const float>(values), {rows}, device);
}

Tensor like(const Tensor& x) {
  return Tensor::empty(x.shape(), x.dtype(), x.device());
}

}  // namespace

// The random numbers of each pair of a step.
class HybridMaker::PairDraws {
 public:
  PairDraws(std::uint64_t seed, std::int64_t step)
      : seed_(seed), step_(static_cast<std::uint32_t>(step)) {}
  [[nodiscard]] Random of(std::int64_t pair) const {
    return {seed_, Purpose::pairing, step_, kFirstShare + static_cast<std::uint32_t>(pair)};
  }

 private:
  std::uint64_t seed_;
  std::uint32_t step_;
};

HybridMaker::HybridMaker(const ClassifierConfig& config, const Autoencoder* generator)
    : settings_(config.hybrids),
      labeled_only_(config.hybrids.use == "labeled"),
      alpha_(config.hybrids.use == "consistency" ? 1.0 : config.hybrids.alpha),
      seed_(config.seed),
      generator_(generator) {}

// In the batch of all ranks the labelled images of ranks 0, 1, ... come first, then their others.
// Where all ranks' images lie below each other, each rank's labelled ones stand before its others.
class HybridMaker::GlobalBatch {
 public:
  GlobalBatch(std::int64_t labeled, std::int64_t rows, const Comm& ranks)
      : labeled_(labeled), others_(rows - labeled), ranks_(ranks) {}

  [[nodiscard]] std::int64_t size() const { return (labeled_ + others_) * ranks_.size(); }
  // Of row i of this rank.
  [[nodiscard]] std::int64_t number(std::int64_t row) const {
    if (row < labeled_) return ranks_.rank() * labeled_ + row;
    return ranks_.size() * labeled_ + ranks_.rank() * others_ + row - labeled_;
  }
  // Where image `number` lies below those of all ranks.
  [[nodiscard]] std::int64_t place(std::int64_t number) const {
    const std::int64_t all_labeled = ranks_.size() * labeled_;
    const std::int64_t rows = labeled_ + others_;
    if (number < all_labeled) return number / labeled_ * rows + number % labeled_;
    const std::int64_t other = number - all_labeled;
    return other / others_ * rows + labeled_ + other % others_;
  }

 private:
  std::int64_t labeled_;
  std::int64_t others_;
  const Comm& ranks_;
};

Hybrids HybridMaker::make(const HybridParents& parents, std::int64_t step, Comm& ranks) const {
  const NoGrad constant;
  const GlobalBatch batch(parents.labels.dim(0), parents.images.dim(0), ranks);
  const std::int64_t rows = labeled_only_ ? parents.labels.dim(0) : parents.images.dim(0);
  const std::vector<std::int32_t> order =
      random_order(static_cast<std::size_t>(batch.size()),
                   Random(seed_, Purpose::pairing, static_cast<std::uint32_t>(step), kOrder));
  Contents contents{.images = parents.images.rows(0, rows), .labels = parents.labels};
  std::vector<std::int32_t> scenes;
  for (std::int64_t row = 0; row < rows; ++row) {
    contents.numbers.push_back(batch.number(row));
    const std::int32_t scene = order[static_cast<std::size_t>(contents.numbers.back())];
    scenes.push_back(static_cast<std::int32_t>(batch.place(scene)));
  }
  const Tensor partner =
      Tensor::from_host(std::span<const std::int32_t>(scenes), {rows}, parents.images.device());
  const auto of_partners = [&](const Tensor& x) {
    const Variable all = ranks.is_alone() ? Variable(x) : gather_ranks(Variable(x), ranks);
    return gather_rows(all, partner).value();
  };
  const Tensor x_r = of_partners(parents.images);
  const Mixed mixed =
      settings_.mixer == "scimix" ? by_generator(contents, x_r) : by_pixels(contents, x_r, step);
  Hybrids out;
  out.images = Variable(mixed.images);
  out.scenes = partner;
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

// The share of the target is what the clipped box leaves of x_c.
HybridMaker::Mixed HybridMaker::cut(const Contents& contents, const Tensor& x_r,
                                    const PairDraws& draws) {
  const Tensor& x_c = contents.images;
  const std::int64_t rows = x_c.dim(0);
  const std::int64_t height = x_c.dim(1);
  const std::int64_t width = x_c.dim(2);
  std::vector<std::int32_t> corners;
  std::vector<float> shares;
  for (const std::int64_t number : contents.numbers) {
    Random random = draws.of(number);
    const double lambda = random.uniform();  // Beta(1, 1)
    const double y = random.uniform();
    const double x = random.uniform();
    const CutBox box = cut_box(lambda, y, x, height, width);
    corners.insert(corners.end(), {box.y0, box.x0, box.y1, box.x1});
    shares.push_back(static_cast<float>(share_outside(box, height, width)));
  }
  Mixed out{.images = like(x_c)};
  out.share = Tensor::from_host(std::span<const float>(shares), {rows}, x_c.device());
  mix_cutmix(x_c, x_r,
             Tensor::from_host(std::span<const std::int32_t>(corners), {rows, 4}, x_c.device()),
             out.images);
  return out;
}

HybridMaker::Mixed HybridMaker::by_pixels(const Contents& contents, const Tensor& x_r,
                                          std::int64_t step) const {
  const Tensor& x_c = contents.images;
  const std::int64_t rows = x_c.dim(0);
  const PairDraws draws(seed_, step);
  Mixed out{.images = like(x_c)};
  if (settings_.mixer == "mixup") {
    std::vector<float> shares;
    for (const std::int64_t number : contents.numbers) {
      Random random = draws.of(number);
      shares.push_back(static_cast<float>(beta_symmetric(random, settings_.mixup_alpha)));
    }
    out.share = Tensor::from_host(std::span<const float>(shares), {rows}, x_c.device());
    mix_mixup(x_c, x_r, out.share, out.images);
    return out;
  }
  if (settings_.mixer == "cutmix") return cut(contents, x_r, draws);
  out.share = same_share(alpha_, rows, x_c.device());
  if (settings_.mixer == "adain") mix_adain(x_c, x_r, out.images);
  if (settings_.mixer == "fda") mix_fda(x_c, x_r, settings_.fda_band, out.images);
  clamp_images(out.images, out.images);
  return out;
}

}  // namespace scimix

#include "trainers/linear_probe.hpp"

#include <algorithm>
#include <vector>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "data/image_files.hpp"
#include "data/random_order.hpp"
#include "kernels/metrics/metrics.hpp"
#include "losses/classification.hpp"
#include "models/layers.hpp"
#include "trainers/optimizer.hpp"

namespace scimix {

namespace {

// Scales features so that the codes given to the constructor have mean 0 and variance 1.
class Standardisation {
 public:
  explicit Standardisation(const Variable& codes)
      : mean_(mean(codes, {.axes = {0}, .keep_dims = true})),
        scale_(rsqrt(add_scalar(variance(codes, {.axes = {0}, .keep_dims = true}), 1e-6))) {}

  [[nodiscard]] Variable operator()(const Variable& codes) const {
    return mul(sub(codes, mean_), scale_);
  }

 private:
  Variable mean_;   // [1,D]
  Variable scale_;  // [1,D]
};

Tensor on_device(std::span<const std::int32_t> values, Device device) {
  return Tensor::from_host(values, {std::ssize(values)}, device);
}

// A linear layer with its parameters.
struct Probe {
  ParameterStore store;
  LinearLayer layer;

  Probe(std::int64_t features, std::int64_t classes, std::uint64_t seed, Device device)
      : store(seed), layer(store, "probe", features, classes) {
    store.place(device);
  }
};

}  // namespace

double linear_probe_accuracy(const LabeledCodes& train, const LabeledCodes& test,
                             std::int64_t classes, const ProbeOptions& options) {
  const std::int64_t count = train.codes.dim(0);
  const std::int64_t features = train.codes.dim(1);
  SCIMIX_CHECK(count > 0 && test.codes.dim(0) > 0 && test.codes.dim(1) == features,
               "linear_probe_accuracy: codes ", train.codes.shape(), " and ", test.codes.shape());
  const Device device = train.codes.device();
  const Variable codes(train.codes);
  const Standardisation standardise(codes);
  Probe probe(features, classes, options.seed, device);
  Adam optimizer(probe.store, nullptr,
                 {.learning_rate = options.learning_rate, .beta1 = 0.9, .beta2 = 0.999});
  for (std::int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    const std::vector<std::int32_t> order =
        random_order(static_cast<std::size_t>(count),
                     Random(options.seed, Purpose::shuffle, static_cast<std::uint32_t>(epoch), 0));
    for (std::int64_t first = 0; first < count; first += options.batch) {
      const auto rows = static_cast<std::size_t>(std::min(options.batch, count - first));
      const std::span<const std::int32_t> picked(order.data() + first, rows);
      const Variable x = standardise(gather_rows(codes, on_device(picked, device)));
      std::vector<std::int32_t> answers;
      for (const std::int32_t i : picked) {
        answers.push_back(train.labels[static_cast<std::size_t>(i)]);
      }
      probe.store.zero_grad();
      const ClassificationLoss loss =
          classification_loss(probe.layer(x), on_device(answers, device));
      backward(loss.mean, {.grads_are_zero = true});
      optimizer.update();
    }
  }
  const NoGrad no_grad;
  const Variable logits = probe.layer(standardise(Variable(test.codes)));
  Tensor sums = Tensor::zeros({3}, DType::f32, device);
  const Tensor labels = on_device(test.labels, device);
  add_metrics(classification_loss(logits, labels).per_row.value(), logits.value(), labels, sums);
  const std::vector<double> host = sums.to_doubles();
  return host[static_cast<int>(MetricSlot::correct)] / host[static_cast<int>(MetricSlot::rows)];
}

std::vector<std::int32_t> images_for_probe(std::span<const std::int32_t> labels,
                                           std::int64_t most) {
  std::vector<std::int32_t> labeled;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != kUnknownLabel) labeled.push_back(static_cast<std::int32_t>(i));
  }
  if (labeled.empty()) user_error("a linear probe: no training image has a label");
  const std::int64_t all = std::ssize(labeled);
  const std::int64_t count = std::min(most, all);
  std::vector<std::int32_t> chosen;
  for (std::int64_t i = 0; i < count; ++i) {
    chosen.push_back(labeled[static_cast<std::size_t>(i * all / count)]);
  }
  return chosen;
}

LabeledCodes scene_codes(const Autoencoder& networks, const ResidentSet& images,
                         std::span<const std::int32_t> indices, std::int64_t batch) {
  const NoGrad no_grad;
  std::vector<Variable> codes;
  std::vector<std::int32_t> labels;
  const std::int64_t count = std::ssize(indices);
  for (std::int64_t first = 0; first < count; first += batch) {
    const auto rows = static_cast<std::size_t>(std::min(batch, count - first));
    const Batch part =
        images.plain(indices.subspan(static_cast<std::size_t>(first), rows), DType::f32);
    const Variable z_r = networks.encode_scene(part.images, {.mode = NormMode::eval});
    const auto row_count = static_cast<std::int64_t>(rows);
    codes.push_back(reshape(z_r, {row_count, z_r.shape().numel() / row_count}));
    const std::vector<std::int32_t> here = part.labels.to_host<std::int32_t>();
    labels.insert(labels.end(), here.begin(), here.end());
  }
  return {.codes = concat_rows(codes).value(), .labels = std::move(labels)};
}

}  // namespace scimix

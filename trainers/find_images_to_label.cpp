#include "trainers/find_images_to_label.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <vector>

#include "core/error.hpp"
#include "data/image_io.hpp"
#include "data/random_order.hpp"
#include "data/resize.hpp"
#include "report/calibration.hpp"
#include "trainers/classifier_logits.hpp"
#include "trainers/evaluate.hpp"

namespace scimix {

namespace {

constexpr std::uint32_t kLookedAtStream = 4;  // of Purpose::pairing: which images are looked at
constexpr std::int64_t kSide = 96;            // of the pictures, in pixels
constexpr std::array kErrorRates{0.01, 0.02, 0.05, 0.1};

// Returns the indices of images without a class, in their order.
std::vector<std::int32_t> images_without_class(const ImageSet& images) {
  std::vector<std::int32_t> found;
  for (std::size_t i = 0; i < images.labels.size(); ++i) {
    if (images.labels[i] == kUnknownLabel) found.push_back(static_cast<std::int32_t>(i));
  }
  return found;
}

// Returns at most kMostLookedAt of the indices, drawn at random, in their order.
std::vector<std::int32_t> drawn(const std::vector<std::int32_t>& all) {
  if (std::ssize(all) <= kMostLookedAt) return all;
  std::vector<std::int32_t> order =
      random_order(all.size(), Random(0, Purpose::pairing, kLookedAtStream, 0));
  order.resize(kMostLookedAt);
  std::ranges::sort(order);
  for (std::int32_t& position : order) position = all[static_cast<std::size_t>(position)];
  return order;
}

bool is_finite(const Logits& found) {
  return std::ranges::all_of(found.logits, [](float x) { return std::isfinite(x); });
}

// Returns a small picture of a training image: from its file, or, if that has gone, from the pixels
// that the network sees.
std::vector<std::uint8_t> picture(const Dataset& dataset, std::size_t index) {
  const ImageSet& images = dataset.train;
  const auto small = [&] {
    try {
      return resize_and_crop(read_image(dataset.train_files.path(index)), kSide);
    } catch (const Error& error) {
      if (error.fault() != Fault::user) throw;
      const auto pixels = images.image(static_cast<std::int64_t>(index));
      return resize_and_crop({images.height, images.width, {pixels.begin(), pixels.end()}}, kSide);
    }
  };
  return encode_png(small());
}

// Calibrates the network on the test images, of which there are at least two. Returns nothing if
// outputs of the network are not finite.
std::optional<ImagesToLabel::Calibrated> calibrated_on_test_images(const LabelingInputs& in) {
  const std::vector<std::int32_t> sample =
      calibration_sample(in.test.count(), in.network.config().classes);
  const Logits outputs =
      compute_logits(in.network, in.test, sample, evaluation_batch(in.batch, in.test), in.dtype);
  if (!is_finite(outputs)) return std::nullopt;
  const double temperature = fit_temperature(
      {.classes = outputs.classes, .logits = outputs.logits, .labels = outputs.labels});
  const std::int64_t used = std::ssize(sample);
  return ImagesToLabel::Calibrated{.images = used,
                                   .temperature = temperature,
                                   .test_images = used < in.test.count() ? in.test.count() : 0};
}

// Returns the two most probable classes of the training images at `indices`, without the names of
// their files. Returns nothing if outputs of the network are not finite.
std::optional<std::vector<Prediction>> predictions_for(const LabelingInputs& in,
                                                       std::span<const std::int32_t> indices,
                                                       double temperature) {
  const std::int64_t classes = in.network.config().classes;
  const auto width = static_cast<std::size_t>(classes);
  const auto at_once = static_cast<std::size_t>(images_at_once(classes));
  std::vector<Prediction> predictions;
  for (std::size_t first = 0; first < indices.size(); first += at_once) {
    const std::size_t rows = std::min(at_once, indices.size() - first);
    const Logits outputs = compute_logits(in.network, in.train, indices.subspan(first, rows),
                                          evaluation_batch(in.batch, in.train), in.dtype);
    if (!is_finite(outputs)) return std::nullopt;
    for (std::size_t i = 0; i < rows; ++i) {
      const auto row = std::span(outputs.logits).subspan(i * width, width);
      predictions.push_back({.file = {}, .classes = rank_classes(row, temperature, 2)});
    }
  }
  return predictions;
}

// Returns the least certain of the training images at `indices`, at most kMostListed, with their
// files and pictures. `predictions` are in the order of the indices.
std::vector<ImagesToLabel::Image> least_certain(const LabelingInputs& in,
                                                std::span<const std::int32_t> indices,
                                                std::span<const Prediction> predictions) {
  std::vector<std::size_t> order = by_margin(predictions);
  order.resize(std::min<std::size_t>(order.size(), kMostListed));
  std::vector<ImagesToLabel::Image> images;
  for (const std::size_t position : order) {
    const auto index = static_cast<std::size_t>(indices[position]);
    ImagesToLabel::Image image{.prediction = predictions[position],
                               .png = picture(in.dataset, index)};
    image.prediction.file =
        in.dataset.train_files.path(index).lexically_relative(in.data_dir).native();
    images.push_back(std::move(image));
  }
  return images;
}

std::vector<CheckingEffort> checking_efforts(std::span<const Prediction> predictions) {
  const std::vector<std::size_t> confident = by_confidence(predictions);
  std::vector<CheckingEffort> efforts;
  for (const double rate : kErrorRates) {
    efforts.push_back(checking_effort(predictions, confident, rate));
  }
  return efforts;
}

}  // namespace

std::optional<ImagesToLabel> find_images_to_label(const LabelingInputs& in) {
  const std::vector<std::int32_t> unlabeled = images_without_class(in.dataset.train);
  if (unlabeled.empty() || in.dataset.train_files.files.empty()) return std::nullopt;
  const std::vector<std::int32_t> indices = drawn(unlabeled);
  std::optional<ImagesToLabel::Calibrated> calibrated;
  if (in.test.count() >= 2) {
    calibrated = calibrated_on_test_images(in);
    if (!calibrated) return std::nullopt;
  }
  const double temperature = calibrated ? calibrated->temperature : 1.0;
  const auto predictions = predictions_for(in, indices, temperature);
  if (!predictions) return std::nullopt;
  return ImagesToLabel{.unlabeled = std::ssize(unlabeled),
                       .looked_at = std::ssize(indices),
                       .calibrated = calibrated,
                       .images = least_certain(in, indices, *predictions),
                       .efforts = checking_efforts(*predictions),
                       .class_names = in.dataset.class_names};
}

}  // namespace scimix

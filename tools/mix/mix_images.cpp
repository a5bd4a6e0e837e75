#include "tools/mix/mix_images.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "tools/command_line/short_list.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/mixers.hpp"
#include "trainers/pixels.hpp"
#include "trainers/resident_set.hpp"

namespace scimix {

namespace {

// Returns the index of the largest value in each row, or kUnknownLabel for a row with a NaN.
std::vector<std::int32_t> argmax(const Tensor& logits) {
  const std::vector<double> values = logits.to_doubles();
  const std::int64_t classes = logits.dim(1);
  std::vector<std::int32_t> best;
  for (std::int64_t row = 0; row < logits.dim(0); ++row) {
    const auto begin = values.begin() + row * classes;
    const auto end = begin + classes;
    const bool whole = std::none_of(begin, end, [](double value) { return std::isnan(value); });
    best.push_back(whole ? static_cast<std::int32_t>(std::max_element(begin, end) - begin)
                         : kUnknownLabel);
  }
  return best;
}

std::vector<std::int32_t> classify(const Autoencoder& networks, const Tensor& images) {
  const NormPass pass{.mode = NormMode::eval};
  return argmax(networks.encode_semantic(Variable(images), pass).logits.value());
}

class Mixing {
 public:
  Mixing(const Autoencoder& networks, const std::vector<std::int32_t>& labels,
         const MixOptions& options)
      : networks_(networks), labels_(labels), options_(options) {}

  // Adds the hybrids of one batch to `out`.
  void mix(const Tensor& x_c, const Tensor& x_r, std::span<const std::int32_t> content,
           std::span<const std::int32_t> scene, MixedImages& out) const {
    const Tensor x_h = scimix_mixer(networks_)(x_c, x_r, 0);
    const std::vector<std::int32_t> predicted = classify(networks_, x_h);
    const std::vector<std::int32_t> wanted = wanted_classes(x_c, content);
    const std::vector<std::uint8_t> pixels = to_pixels(x_h);
    const auto image = static_cast<std::ptrdiff_t>(pixels.size() / content.size());
    for (std::size_t i = 0; i < content.size(); ++i) {
      ++out.mixed;
      if (options_.keep_agreeing && (predicted[i] != wanted[i] || predicted[i] == kUnknownLabel)) {
        continue;
      }
      const auto begin = pixels.begin() + static_cast<std::ptrdiff_t>(i) * image;
      out.pixels.insert(out.pixels.end(), begin, begin + image);
      out.labels.push_back(labels_[static_cast<std::size_t>(content[i])]);
      out.predicted.push_back(predicted[i]);
      out.parents.content.push_back(content[i]);
      out.parents.scene.push_back(scene[i]);
    }
  }

 private:
  // Returns the labels of the content images. If the filter is on, C's predictions replace unknown
  // labels.
  std::vector<std::int32_t> wanted_classes(const Tensor& x_c,
                                           std::span<const std::int32_t> content) const {
    std::vector<std::int32_t> wanted;
    for (const std::int32_t index : content) {
      wanted.push_back(labels_[static_cast<std::size_t>(index)]);
    }
    if (!options_.keep_agreeing || std::ranges::count(wanted, kUnknownLabel) == 0) return wanted;
    const std::vector<std::int32_t> seen = classify(networks_, x_c);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i] == kUnknownLabel) wanted[i] = seen[i];
    }
    return wanted;
  }

  const Autoencoder& networks_;
  const std::vector<std::int32_t>& labels_;
  MixOptions options_;
};

}  // namespace

std::vector<std::int32_t> labels_for(const ImageSource& source,
                                     const std::vector<std::string>& class_names) {
  std::vector<std::int32_t> numbers;  // of the source's classes, in the generator's list
  for (const std::string& name : source.class_names) {
    const auto found = std::find(class_names.begin(), class_names.end(), name);
    if (found == class_names.end()) {
      user_error("the generator has no class ", name, ", expected one of ",
                 short_list(class_names, ", "),
                 " (images in one folder without classes are mixed without labels)");
    }
    numbers.push_back(static_cast<std::int32_t>(found - class_names.begin()));
  }
  std::vector<std::int32_t> labels;
  for (const std::int32_t label : source.images.labels) {
    labels.push_back(label == kUnknownLabel ? kUnknownLabel
                                            : numbers.at(static_cast<std::size_t>(label)));
  }
  return labels;
}

MixedImages mix_images(const Autoencoder& networks, const ImageSet& content,
                       const std::vector<std::int32_t>& labels, const ImageSet& scene,
                       const Pairs& pairs, const MixOptions& options, Device device) {
  SCIMIX_CHECK(std::ssize(labels) == content.count, labels.size(), " labels for ", content.count,
               " images");
  const NoGrad no_grad;
  const ResidentSet contents(content, device);
  const ResidentSet scenes(scene, device);
  const Mixing mixing(networks, labels, options);
  MixedImages out;
  out.side = content.height;
  const std::int64_t count = std::ssize(pairs.content);
  const std::int64_t batch = evaluation_batch(options.batch, contents);
  for (std::int64_t first = 0; first < count; first += batch) {
    const auto begin = static_cast<std::size_t>(first);
    const auto rows = static_cast<std::size_t>(std::min(batch, count - first));
    const auto from = std::span(pairs.content).subspan(begin, rows);
    const auto to = std::span(pairs.scene).subspan(begin, rows);
    mixing.mix(contents.plain(from, DType::f32).images.value(),
               scenes.plain(to, DType::f32).images.value(), from, to, out);
  }
  return out;
}

}  // namespace scimix

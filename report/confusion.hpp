// Counts which class a classifier takes for which, on a labelled set of images.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace scimix {

// A confusion matrix. It keeps only the cells that hold images, so its size follows the number of
// images, not the square of the number of classes.
class Confusion {
 public:
  // A label and a prediction, each in 0 .. classes-1.
  using Cell = std::pair<std::int64_t, std::int64_t>;

  explicit Confusion(std::int64_t classes);

  // Counts `images` more images of class `label`. The prediction `classes()` stands for "no class":
  // a NaN among the image's logits.
  void add(std::int64_t label, std::int64_t prediction, std::int64_t images = 1);

  [[nodiscard]] std::int64_t classes() const { return classes_; }
  // The cells that hold images, ordered by label and then by prediction.
  [[nodiscard]] const std::map<Cell, std::int64_t>& cells() const { return cells_; }
  [[nodiscard]] std::int64_t count(std::int64_t label, std::int64_t prediction) const;
  // Images that got no class, of one label and of all.
  [[nodiscard]] std::int64_t undecided(std::int64_t label) const;
  [[nodiscard]] std::int64_t undecided() const;
  [[nodiscard]] std::int64_t correct(std::int64_t label) const { return count(label, label); }
  [[nodiscard]] std::int64_t correct() const;
  // All images, those without a class included.
  [[nodiscard]] std::int64_t images(std::int64_t label) const;
  [[nodiscard]] std::int64_t images() const;

  // Top-1 accuracy in 0..1; 0 if there are no images. An image without a class counts as wrong.
  [[nodiscard]] double accuracy() const;
  [[nodiscard]] double class_accuracy(std::int64_t label) const;

  friend bool operator==(const Confusion&, const Confusion&) = default;

 private:
  std::int64_t classes_;
  std::map<Cell, std::int64_t> cells_;
  std::vector<std::int64_t> images_;     // [classes], by label
  std::vector<std::int64_t> undecided_;  // [classes], by label
};

// `images` of class `label` were taken for `prediction`.
struct Mistake {
  std::int64_t label = 0;
  std::int64_t prediction = 0;
  std::int64_t images = 0;
};

// Returns up to `most` mistakes, the most frequent first; equally frequent ones in the order of the
// classes.
[[nodiscard]] std::vector<Mistake> frequent_mistakes(const Confusion& confusion, std::size_t most);

// Returns up to `most` classes that have images, the least accurate first; of equally accurate ones
// the one with more images first, then in the order of the classes.
[[nodiscard]] std::vector<std::int64_t> worst_classes(const Confusion& confusion, std::size_t most);

}  // namespace scimix

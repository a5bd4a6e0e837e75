// Counts how often a classifier predicts each class for images of each class.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace scimix {

// A confusion matrix. It stores only cells with at least one image, so that its size is bounded by
// the number of images, and does not grow with the square of the number of classes.
class Confusion {
 public:
  // A label and a prediction, each in 0 .. classes-1.
  using Cell = std::pair<std::int64_t, std::int64_t>;

  explicit Confusion(std::int64_t classes);

  // Counts `images` more images of class `label`. The prediction `classes()` means "no class",
  // which is the case if one of the image's logits is NaN.
  void add(std::int64_t label, std::int64_t prediction, std::int64_t images = 1);

  [[nodiscard]] std::int64_t classes() const { return classes_; }
  // Returns the cells with at least one image, ordered by label and then by prediction.
  [[nodiscard]] const std::map<Cell, std::int64_t>& cells() const { return cells_; }
  [[nodiscard]] std::int64_t count(std::int64_t label, std::int64_t prediction) const;
  // Return the number of images without a predicted class: of one label, and of all.
  [[nodiscard]] std::int64_t undecided(std::int64_t label) const;
  [[nodiscard]] std::int64_t undecided() const;
  [[nodiscard]] std::int64_t correct(std::int64_t label) const { return count(label, label); }
  [[nodiscard]] std::int64_t correct() const;
  // Return the number of images of one label and of all, including images without a predicted
  // class.
  [[nodiscard]] std::int64_t images(std::int64_t label) const;
  [[nodiscard]] std::int64_t images() const;

  // Return the top-1 accuracy in 0..1, of all images and of one class; 0 if there are no images. An
  // image without a predicted class counts as wrong.
  [[nodiscard]] double accuracy() const;
  [[nodiscard]] double class_accuracy(std::int64_t label) const;

  friend bool operator==(const Confusion&, const Confusion&) = default;

 private:
  std::int64_t classes_;
  std::map<Cell, std::int64_t> cells_;
  std::vector<std::int64_t> images_;     // [classes], by label
  std::vector<std::int64_t> undecided_;  // [classes], by label
};

// A number of images of class `label` for which the classifier predicted another class.
struct Mistake {
  std::int64_t label = 0;
  std::int64_t prediction = 0;
  std::int64_t images = 0;
};

// Returns up to `most` mistakes, the most frequent first. Equally frequent mistakes are in the
// order of their classes.
[[nodiscard]] std::vector<Mistake> frequent_mistakes(const Confusion& confusion, std::size_t most);

// Returns up to `most` classes that have images, the least accurate first. Of equally accurate
// classes, those with more images come first, then those with smaller numbers.
[[nodiscard]] std::vector<std::int64_t> worst_classes(const Confusion& confusion, std::size_t most);

}  // namespace scimix

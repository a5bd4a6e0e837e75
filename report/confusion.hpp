// Which class a classifier takes for which, on a labelled set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace scimix {

struct Confusion {
  explicit Confusion(std::int64_t classes);

  std::int64_t classes;
  std::vector<std::int64_t> counts;     // [classes,classes]: images by label and by prediction
  std::vector<std::int64_t> undecided;  // [classes]: images with a NaN among their logits, by label

  [[nodiscard]] std::int64_t count(std::int64_t label, std::int64_t prediction) const;
  [[nodiscard]] std::int64_t correct(std::int64_t label) const { return count(label, label); }
  [[nodiscard]] std::int64_t images(std::int64_t label) const;  // the undecided ones among them
  [[nodiscard]] std::int64_t correct() const;
  [[nodiscard]] std::int64_t images() const;

  // Top-1, in 0..1; 0 where there are no images. An undecided image is not correct.
  [[nodiscard]] double accuracy() const;
  [[nodiscard]] double class_accuracy(std::int64_t label) const;
};

// `images` of class `label` were taken for `prediction`.
struct Mistake {
  std::int64_t label = 0;
  std::int64_t prediction = 0;
  std::int64_t images = 0;
};

// Up to `most` of them that happened, the most frequent first, equals in the order of the classes.
[[nodiscard]] std::vector<Mistake> frequent_mistakes(const Confusion& confusion, std::size_t most);

}  // namespace scimix

// What a classifier predicts for images without labels, and the tables that list it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace scimix {

struct RankedClass {
  std::int32_t label = 0;
  double probability = 0;
};

struct Prediction {
  std::string file;  // its path; a std::filesystem::path would take ten times as much memory
  std::vector<RankedClass> classes;  // the most probable ones, at least two, in descending order

  [[nodiscard]] std::int32_t label() const { return classes[0].label; }
  [[nodiscard]] double probability() const { return classes[0].probability; }
  // Returns how much more probable the class is than the next one.
  [[nodiscard]] double margin() const { return classes[0].probability - classes[1].probability; }
};

// Returns the `count` most probable classes at this temperature, of equally probable ones the
// first. `logits` are finite.
[[nodiscard]] std::vector<RankedClass> rank_classes(std::span<const float> logits,
                                                    double temperature, std::int64_t count);

// Return the positions of the predictions: the smallest margin first (the images that a person
// should label first), or the largest probability first.
[[nodiscard]] std::vector<std::size_t> by_margin(std::span<const Prediction> predictions);
[[nodiscard]] std::vector<std::size_t> by_confidence(std::span<const Prediction> predictions);

// The start of the heading of --out and --to-check. Only files that start so are overwritten.
inline constexpr const char* kPredictionsMark = "file,class,probability,margin";

// Writes a CSV file with a row for each prediction of `order`: file, class, probability, margin,
// and the next `top` - 1 classes with their probabilities. Errors (user): as AtomicFile.
void write_predictions(const std::filesystem::path& csv, std::span<const Prediction> predictions,
                       std::span<const std::size_t> order, std::span<const std::string> class_names,
                       std::int64_t top);
// Writes a CSV file in which a person fills in the classes: file, class (empty), guess,
// probability, margin. It can then be a --labels-file.
void write_to_label(const std::filesystem::path& csv, std::span<const Prediction> predictions,
                    std::span<const std::size_t> order, std::span<const std::string> class_names);

// Copies the images into a new folder `dir`, in a folder for each predicted class, or makes
// symbolic links to them. Of several files with one name, the second is called NAME-2, and so on.
// Nothing is overwritten. Errors (user): the file system's; the name of a class that cannot be a
// folder's.
void sort_images(const std::filesystem::path& dir, std::span<const Prediction> predictions,
                 std::span<const std::string> class_names, bool link);

}  // namespace scimix

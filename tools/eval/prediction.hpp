// The tables and folders in which predictions for images without labels are written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "report/prediction.hpp"

namespace scimix {

// The start of the heading of --out. Such a file is overwritten only if it starts so, and the files
// in which a person writes start otherwise.
inline constexpr const char* kPredictionsMark = "file,class,probability,margin";

// Writes a CSV file with a row for each prediction of `order`: file, class, probability, margin,
// and the next `top` - 1 classes with their probabilities. Errors (user): as AtomicFile.
void write_predictions(const std::filesystem::path& csv, std::span<const Prediction> predictions,
                       std::span<const std::size_t> order, std::span<const std::string> class_names,
                       std::int64_t top);
// Writes a CSV file in which a person confirms or corrects the classes: file, class, checked
// (empty), probability, margin. It can then be a --labels-file.
void write_to_check(const std::filesystem::path& csv, std::span<const Prediction> predictions,
                    std::span<const std::size_t> order, std::span<const std::string> class_names);
// Writes a CSV file in which a person fills in the classes: file, class (empty), guess,
// probability, margin. It can then be a --labels-file.
void write_to_label(const std::filesystem::path& csv, std::span<const Prediction> predictions,
                    std::span<const std::size_t> order, std::span<const std::string> class_names);

// Copies the images into a new folder `dir`, in a folder for each predicted class, or makes
// symbolic links to them. Of several files with one name, the second is called NAME-2, and so on; a
// name that would be too long is shortened. Nothing is overwritten. Errors (user): the file
// system's; the name of a class that cannot be a folder's.
void sort_images(const std::filesystem::path& dir, std::span<const Prediction> predictions,
                 std::span<const std::string> class_names, bool link);

}  // namespace scimix

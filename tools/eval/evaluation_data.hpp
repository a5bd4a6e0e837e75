// Loads the test images for an evaluation: those of the trained run, or other images that the user
// chose.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "data/dataset.hpp"
#include "settings/settings.hpp"

namespace scimix {

// Options that override the data settings of the run.
struct DataChoice {
  std::optional<std::string> dataset;
  std::optional<std::string> data_dir;
  std::optional<std::string> labels_file;
  std::optional<std::uint64_t> data_seed;
  std::optional<std::int64_t> digits_train;
  std::optional<std::int64_t> digits_test;
  bool resize = false;
  bool skip_unreadable = false;
  bool allow_training_images = false;
};

// Adds the options of `choice`. Their help contains `whose` ("the generator") and, for
// --digits-train, `training_images`, which says what the training images are used for.
void add_data_choice(CLI::App& app, DataChoice& choice, const std::string& whose,
                     const std::string& training_images);

// Returns the labels file for the evaluation: the one that the user chose, or that of the run's
// settings `own`. If the user chose another folder of images, and the run's labels file lay in the
// run's old folder of images, it is looked for at the same place in the new one. Returns "" if the
// images' classes are those of their folders: for a data set that the user chose by its name, and
// for a folder that has none of the images of the run's labels file.
[[nodiscard]] std::string labels_file_of(const DataChoice& choice, const DataSettings& own);

struct EvaluationData {
  DataSettings settings;  // of `dataset`; image_size is the actual size of its images
  Dataset dataset;
};

// The images that are loaded for an evaluation.
struct EvaluationImages {
  std::int64_t side = 0;                   // of the images that the model takes, in pixels
  bool test_only = false;                  // as in DatasetOptions
  std::filesystem::path image_cache = {};  // as in DatasetOptions
};

// Loads the data set of the settings `own`, overridden by `choice`. Shows the progress of reading a
// large folder of images on standard error. Errors (user):
// - the data set is missing or broken, or has no test images;
// - another data set than the run's has images of another size, and `resize` is not set;
// - with another data seed, the test images of a folder would include training images of the run;
// - the chosen folder is a part of the run's folder of images, but not its test images.
[[nodiscard]] EvaluationData load_evaluation_data(const DataChoice& choice, const DataSettings& own,
                                                  const EvaluationImages& wanted);

// Returns whether both paths name the same existing folder.
[[nodiscard]] bool is_same_folder(const std::filesystem::path& one,
                                  const std::filesystem::path& other);

// Checks, for a folder of images that has no test images of its own, that the run's images have not
// changed: those that are held out now may be images that the run was trained on. `own` and `here`
// are the data settings of the run and of the evaluation, `trained_on` and `train_hash` the hashes
// of their training images. Errors (user): another hash, if both are the same folder, unless
// --allow-training-images is given.
void check_not_changed(const DataChoice& choice, const DataSettings& own, const DataSettings& here,
                       const std::string& trained_on, const std::string& train_hash);

// Prints a note if the hashes of the training images differ, because `what` may then have been
// trained on images that are test images here.
void note_other_images(std::ostream& out, const std::string& what, const std::string& trained_on,
                       const std::string& here);

}  // namespace scimix

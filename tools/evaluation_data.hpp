// The test images on which something trained is judged: those of its own run, or others.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "data/dataset.hpp"
#include "settings/settings.hpp"

namespace scimix {

// What a user asks for in place of a run's own settings.
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

// `whose`: "the generator", for the help; `training_images`: what --digits-train is good for.
void add_data_choice(CLI::App& app, DataChoice& choice, const std::string& whose,
                     const std::string& training_images);

struct EvaluationData {
  DataSettings settings;  // with which `dataset` was loaded; image_size is that of its images
  Dataset dataset;
};

// The images that are loaded for an evaluation.
struct EvaluationImages {
  std::int64_t side = 0;                   // of the images that the model takes
  bool test_only = false;                  // as in DatasetOptions
  std::filesystem::path image_cache = {};  // as in DatasetOptions
};

// The data set of `own`, with what the user chose in its place. Shows on standard error how far the
// reading of a large folder of images is. Errors (user): whatever is wrong with the data; no test
// images; images of another size in a data set that is not the run's own, where `resize` is not
// asked for; a folder of which another data seed holds out other images than the run's, so that
// training images would be tested.
[[nodiscard]] EvaluationData load_evaluation_data(const DataChoice& choice, const DataSettings& own,
                                                  const EvaluationImages& wanted);

// Says so where the images here are not those that `what` was trained on: today's test images might
// have been among them.
void note_other_images(std::ostream& out, const std::string& what, const std::string& trained_on,
                       const std::string& here);

}  // namespace scimix

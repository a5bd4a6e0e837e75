// Loads and describes the test images on which a trained classifier is evaluated.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "tools/eval/evaluation_data.hpp"
#include "tools/eval/trained_classifier.hpp"

namespace scimix {

// Adds the positional option `run`: the run folder or checkpoint of a trained classifier.
void add_classifier_run(CLI::App& app, std::string& run);

// Adds the options that override the data settings of the classifier's run (add_data_choice).
void add_test_images(CLI::App& app, DataChoice& choice);

// Adds --batch (see evaluation_batch), --device and --threads to the help's `group`.
void add_batch_and_device(CLI::App& app, const std::string& group, std::int64_t& batch,
                          std::string& device);

struct TestImages {
  EvaluationData data;
  std::string train_hash;  // hash of the data set's training images
  std::string choice;      // how they were chosen: " (all images of birds)"; may be empty
  // The folder has no test images of its own: if it has changed since the training, the images
  // that are chosen now may be some of those that the classifier was trained on.
  bool from_training_folder = false;
};

// Loads the test images that the user chose, or those of the classifier's run. `trained_on` is the
// hash of the training images in the classifier's checkpoint. Errors (user): those of
// load_evaluation_data.
//
// A folder with train/ and test/ gives the images of test/. A folder that has the images that the
// run was trained on is split as in training, even if the folder was moved. Any other folder gives
// all of its images, since the classifier was not trained on them.
[[nodiscard]] TestImages load_test_images(const DataChoice& choice,
                                          const ClassifierSettings& settings,
                                          const std::string& trained_on);

// Loads the test images of load_test_images for `checkpoint`. The classes of a folder may be some
// of the classifier's; their numbers are then those of the classifier. Errors (user): those of
// load_evaluation_data; classes that the classifier does not know, or for another data set than a
// folder, other classes; the folder of the run, where it has no test images of its own and has
// changed since, unless --allow-training-images is given.
[[nodiscard]] TestImages load_checked_test_images(const DataChoice& choice,
                                                  const ClassifierCheckpoint& checkpoint,
                                                  const ClassifierSettings& settings);

// Returns the command of scimix_train that wrote the checkpoint: "classifier" or "generator".
[[nodiscard]] const char* command_of(const ClassifierCheckpoint& checkpoint);

// Prints the classifier, the test images, and the notes of the data set's loader.
void introduce(std::ostream& out, const ClassifierCheckpoint& checkpoint,
               const ClassifierSettings& settings, const TestImages& images);

}  // namespace scimix

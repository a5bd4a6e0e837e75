// Loads and describes the test images on which a trained classifier is evaluated.
#pragma once

#include <ostream>
#include <string>

#include "tools/evaluation_data.hpp"
#include "tools/trained_classifier.hpp"

namespace scimix {

struct TestImages {
  EvaluationData data;
  std::string train_hash;  // hash of the data set's training images
  std::string choice;      // how they were chosen: " (all images of birds)"; may be empty
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

// Returns the command of scimix_train that wrote the checkpoint: "classifier" or "generator".
[[nodiscard]] const char* command_of(const ClassifierCheckpoint& checkpoint);

// Prints the classifier, the test images, and the notes of the data set's loader.
void introduce(std::ostream& out, const ClassifierCheckpoint& checkpoint,
               const ClassifierSettings& settings, const TestImages& images);

}  // namespace scimix

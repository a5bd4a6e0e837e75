// The test images on which a trained classifier is judged, and what is said of them.
#pragma once

#include <ostream>
#include <string>

#include "tools/evaluation_data.hpp"
#include "tools/trained_classifier.hpp"

namespace scimix {

struct TestImages {
  EvaluationData data;
  std::string train_hash;  // of the training images beside them
  std::string choice;      // " (all images of birds)"; may be empty
};

// Loads the test images that the user chose, or those of the classifier's run. `trained_on` is the
// hash of the training images that its checkpoint holds.
//
// A folder with train/ and test/ gives the images of test/. The folder that the run was trained on
// is split as it was for training, wherever it is now. Any other folder gives all of its images,
// since none of them was trained on. Errors (user): as load_evaluation_data.
[[nodiscard]] TestImages load_test_images(const DataChoice& choice,
                                          const ClassifierSettings& settings,
                                          const std::string& trained_on);

// Returns the command of scimix_train that has written the checkpoint.
[[nodiscard]] const char* command_of(const ClassifierCheckpoint& checkpoint);

// Prints which classifier is judged on which images, with the loader's notes.
void introduce(std::ostream& out, const ClassifierCheckpoint& checkpoint,
               const ClassifierSettings& settings, const TestImages& images);

}  // namespace scimix

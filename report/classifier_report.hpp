// Makes the report of a classifier run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "report/run_history.hpp"
#include "report/run_report.hpp"

namespace scimix {

// The facts from which the report is made.
struct ClassifierOutcome {
  std::string network;  // "WideResNet-28-2"
  std::string method;   // "fixmatch, hybrids by scimix"
  std::string data;     // "cifar10", "the folder birds"; see data_title
  std::int64_t training_images = 0;
  std::int64_t labeled_images = 0;
  std::int64_t image_size = 0;
  std::int64_t steps = 0;
  std::string device;
  std::string scale_note;  // empty for a run at full scale
  std::string command;
  std::filesystem::path run;
  MedianAccuracy median;
  RunReport::Classes classes;  // on the test images; counts none where there are none
  std::vector<RunReport::Picture> pictures;
};

// Returns the report, with charts, explanations and next steps for a classifier.
[[nodiscard]] RunReport classifier_report(const ClassifierOutcome& outcome);

}  // namespace scimix

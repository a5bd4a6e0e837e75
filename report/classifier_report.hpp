// Makes the report of a classifier run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/run_history.hpp"
#include "report/run_report.hpp"

namespace scimix {

// The facts from which the report is made.
struct ClassifierOutcome {
  RunFacts facts;
  std::string network;  // "WideResNet-28-2"
  std::string method;   // "fixmatch, hybrids by scimix"
  MedianAccuracy median;
  RunReport::Classes classes;  // on the test images; counts none where there are none
  std::vector<RunReport::Picture> pictures;
  std::optional<ImagesToLabel> to_label = {};  // for a run with unlabelled images
};

// Returns the report, with charts, explanations and next steps for a classifier.
[[nodiscard]] RunReport classifier_report(const ClassifierOutcome& outcome);

}  // namespace scimix

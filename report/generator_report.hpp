// Makes the report of a generator run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/run_report.hpp"

namespace scimix {

// The facts from which the report is made.
struct GeneratorOutcome {
  RunFacts facts;
  std::string variant;
  std::string guide;  // the guide of E_c and C in words; empty: no guide
  // The options by which a classifier has the same images, labels and scale, each with a space
  // before it.
  std::string options_of_data = {};

  // The last evaluation, on pairs of test images.
  struct Evaluation {
    std::int64_t pairs = 0;
    std::int64_t class_kept = 0;  // hybrids to which C assigns the class of x_c
    double s_r = 0.0;             // fraction of hybrids nearer to x_r than to x_c in pixels
    double reconstruction = 0.0;  // root mean square error of pixels in [-1,1]
    double accuracy = 0.0;        // of C on test images
  };
  std::optional<Evaluation> evaluation;
  std::vector<RunReport::Picture> pictures;
};

// Returns the report, with charts, explanations and next steps for a generator.
[[nodiscard]] RunReport generator_report(const GeneratorOutcome& outcome);

}  // namespace scimix

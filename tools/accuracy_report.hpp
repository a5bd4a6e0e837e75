// The accuracy of a classifier, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <ostream>
#include <span>
#include <string>

#include "report/confusion.hpp"
#include "report/run_history.hpp"

namespace scimix {

// Accuracy with its 95% interval (Wilson), a line for each class, the most frequent confusions.
void print_accuracy(std::ostream& out, const Confusion& confusion,
                    std::span<const std::string> class_names, const MedianAccuracy& median);

// {"images": 2000, "correct": 1900, "accuracy": {"share": 0.95, "low": 0.94, "high": 0.96},
//  "median_of_last_evaluations": {"accuracy": 0.94, "evaluations": 20},
//  "classes": [{"name": "0", "images": 200, "correct": 190, "accuracy": {...}}, ...],
//  "confusion": [[190, 2, ...], ...], "undecided": [0, ...]}
[[nodiscard]] nlohmann::ordered_json accuracy_json(const Confusion& confusion,
                                                   std::span<const std::string> class_names,
                                                   const MedianAccuracy& median);

}  // namespace scimix

// Reports the accuracy of a classifier as text and as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <ostream>
#include <span>
#include <string>

#include "report/confusion.hpp"
#include "report/run_history.hpp"

namespace scimix {

// Prints the accuracy with its 95% interval (Wilson), a line for each class (with more than 50
// classes only for the 20 least accurate classes), and the most frequent confusions.
void print_accuracy(std::ostream& out, const Confusion& confusion,
                    std::span<const std::string> class_names, const MedianAccuracy& median);

// Returns
// {"images": 2000, "correct": 1900, "accuracy": {"share": 0.95, "low": 0.94, "high": 0.96},
//  "median_of_last_evaluations": {"accuracy": 0.94, "evaluations": 20},
//  "classes": [{"name": "0", "images": 200, "correct": 190, "accuracy": {...}}, ...],
//  "confusion_cells": [[0, 0, 190], [0, 3, 2], ...],
//  "confusion": [[190, 0, 0, 2, ...], ...], "undecided": [0, ...]}
// A cell is [true class, predicted class, number of images]; cells without images are left out.
// "confusion" is the whole matrix, for at most 100 classes. "undecided" counts, for each true
// class, the images whose logits are NaN.
[[nodiscard]] nlohmann::ordered_json accuracy_json(const Confusion& confusion,
                                                   std::span<const std::string> class_names,
                                                   const MedianAccuracy& median);

}  // namespace scimix

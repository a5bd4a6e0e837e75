// Writes report.html, one page about a run that needs no other file. It shows what was trained, the
// results, the curves, the mistakes, possible next steps, and how to repeat the run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/confusion.hpp"
#include "report/images_to_label.hpp"
#include "report/run_folder.hpp"

namespace scimix {

// Said of a run without test images.
inline constexpr const char* kNoTestImages =
    "There are no test images (--test none), so no accuracy was measured.";

struct RunReport {
  std::string title;               // "Classifier of digits, 200 labels"
  std::string summary;             // what was done, in full sentences; may be empty
  std::string command;             // the command that began the run, and those that changed it
  std::vector<std::string> notes;  // shown at the top: "Scaled down for a machine without ..."

  // The most important number of the run.
  struct Headline {
    std::string value;        // "93.40%"
    std::string meaning;      // "of 10000 test images are classified correctly"
    std::string uncertainty;  // the confidence interval and what it covers; may be empty
  };
  std::optional<Headline> headline;
  std::vector<std::pair<std::string, std::string>> figures;  // name and value

  // A chart of series of metrics.jsonl. Series without data are left out, and so are charts without
  // series.
  struct Line {
    std::string series;  // the name in metrics.jsonl
    std::string label;   // the name in the chart; empty: the same name
  };
  struct Chart {
    std::string title;
    std::vector<Line> lines;
    std::string unit;         // may be empty
    bool percent = false;     // values in 0..1 are shown in percent
    std::string explanation;  // how to read it; may be empty
  };
  std::vector<Chart> charts;

  // The classes and how often they are confused.
  struct Classes {
    Confusion confusion;
    std::vector<std::string> names;
  };
  std::optional<Classes> classes;

  std::optional<ImagesToLabel> to_label;

  struct Picture {
    std::string caption;
    std::filesystem::path png;
  };
  std::vector<Picture> pictures;

  // Something that a reader may do next.
  struct NextStep {
    std::string text;
    std::string command;  // may be empty
  };
  std::vector<NextStep> next_steps;
};

// The facts from which the reports of classifiers and of generators are made.
struct RunFacts {
  std::string data;  // "cifar10", "the folder birds"; see data_title
  std::int64_t training_images = 0;
  std::int64_t labeled_images = 0;
  std::int64_t image_size = 0;
  std::int64_t steps = 0;
  std::string device;
  std::string scale_note;  // empty for a run at full scale
  std::string command;     // the command that began the run, and those that changed it, by line
  std::filesystem::path folder;
};

// Writes run.path()/report.html atomically. The settings are those of run.config(), the curves come
// from run.metrics(). If a picture is missing, the page says so, since a missing picture should
// not make a report fail at the end of a long run. Errors (user): no config.toml, a metrics.jsonl
// with a broken line, a full disk.
void write_report(const RunFolder& run, const RunReport& report);

// Returns the name of a data set for sentences: "cifar10", or "the folder birds" for image folders.
[[nodiscard]] std::string data_title(const std::string& dataset,
                                     const std::filesystem::path& data_dir);

}  // namespace scimix

// report.html: a run on one page, without anything from elsewhere: what it was, how it ended, its
// curves, what it confused, pictures, every setting, and the command that made it.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "report/run_folder.hpp"

namespace scimix {

struct RunReport {
  std::string title;               // "SciMix classifier: digits, mean-teacher, 200 labels"
  std::string command;             // the exact command line
  std::vector<std::string> notes;  // what a reader must know first: "scaled down for a CPU ..."
  std::vector<std::pair<std::string, std::string>> figures;  // name and value, shown large

  // A chart of series of metrics.jsonl, by name. Those without data are left out, and so is a chart
  // without any.
  struct Chart {
    std::string title;
    std::vector<std::string> series;
    std::string unit;      // may be empty
    bool percent = false;  // values in 0..1 are shown in percent
  };
  std::vector<Chart> charts;

  struct Picture {
    std::string caption;
    std::filesystem::path png;
  };
  std::vector<Picture> pictures;

  std::string confusion_svg;  // see confusion_picture.hpp; empty: none
};

// Writes run.path()/report.html, atomically. Settings are those of run.config(), curves come from
// run.metrics(). A picture that is missing is named as missing: a report at the end of a long run
// must not fail for it. Errors (user): no config.toml, a metrics.jsonl with a broken line, a full
// disk.
void write_report(const RunFolder& run, const RunReport& report);

}  // namespace scimix

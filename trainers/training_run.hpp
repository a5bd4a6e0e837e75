// A training run from start to end: its folder and lock, data, resume, the loop of steps, log
// lines, evaluations, checkpoints, signals, pictures and the report. What is trained comes from a
// RunSubject.
#pragma once

#include <functional>
#include <memory>

#include "report/progress.hpp"
#include "report/run_folder.hpp"
#include "report/run_report.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/run_inputs.hpp"
#include "trainers/training_session.hpp"

namespace scimix {

// What a run trains, and what it says of that.
class RunSubject {
 public:
  virtual ~RunSubject() = default;

  [[nodiscard]] virtual TrainingSession& session() = 0;
  // Returns how many images one step takes from the data set, for images per second.
  [[nodiscard]] virtual std::int64_t images_per_step() const = 0;
  // Prints what is trained on which data.
  virtual void introduce(std::ostream& out) const = 0;
  // Returns what a new run shows before its first step.
  [[nodiscard]] virtual std::vector<Sheet> first_sheets() const { return {}; }
  // Does what a run needs before its first step, and is called where none has been made. Returns
  // false where a signal interrupted it.
  [[nodiscard]] virtual bool prepare(const RunFolder& /*run*/, const RunRequest& /*request*/,
                                     const RunStreams& /*streams*/) {
    return true;
  }
  // Returns what the progress line shows of the numbers that were just logged.
  [[nodiscard]] virtual Metrics progress(const Metrics& logged) const = 0;

  struct Evaluated {
    Metrics logged = {};    // test_accuracy among them; none where there are no test images
    std::string note = {};  // a line for people, behind the step number
    Metrics shown = {};     // on the progress line, from now on
    std::optional<Sheet> samples = {};  // only rank 0 needs it
  };
  // Evaluates the averages. `last`: what the report needs is wanted too. Nothing where the
  // evaluation was given up. Without test images, nothing is logged.
  [[nodiscard]] virtual std::optional<Evaluated> evaluate(const EvaluationOptions& options,
                                                          bool last) = 0;
  // Prints results, behind the last evaluation.
  virtual void conclude(const RunFolder& run, const RunResult& result, std::ostream& out) const = 0;
  // Returns what report.html says. `command` is the command line that began the run; pictures are
  // those in the run's samples.
  [[nodiscard]] virtual RunReport report(const RunFolder& run, const RunResult& result,
                                         const std::string& command) const = 0;
};

// Returns the value of a metric; 0 where there is none of this name.
[[nodiscard]] double value_of(const Metrics& metrics, std::string_view name);

// Returns whether a run has made all its steps and written its report, which is the last thing that
// it writes.
[[nodiscard]] bool is_finished(const RunFolder& folder, std::int64_t steps);

// Trains into a new run folder, or goes on with an older run. `make` is called once the data are
// there. A run that is finished is left as it is.
// Errors (user): whatever is wrong with settings, data, folder or checkpoint, before anything is
// written.
RunResult run_training(const SessionSettings& settings, const std::filesystem::path& new_folder,
                       const RunRequest& request, const RunStreams& streams,
                       const std::function<std::unique_ptr<RunSubject>(const RunInputs&)>& make);

}  // namespace scimix

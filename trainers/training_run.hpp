// Executes a training run from start to end: its folder and lock, data, resume, the loop of steps,
// log lines, evaluations, checkpoints, signals, pictures and the report. A RunSubject provides
// everything that differs between classifiers and generators.
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

// The interface through which run_training trains, evaluates and describes one kind of model.
class RunSubject {
 public:
  virtual ~RunSubject() = default;

  // Returns the session that makes the training steps.
  [[nodiscard]] virtual TrainingSession& session() = 0;
  // Returns how many images a step counts, on all ranks together, for the images per second of the
  // progress line.
  [[nodiscard]] virtual std::int64_t images_per_step() const = 0;
  // Prints the model and the data set.
  virtual void introduce(std::ostream& out) const = 0;
  // Returns the pictures that a new run writes before its first step.
  [[nodiscard]] virtual std::vector<Sheet> first_sheets() const { return {}; }
  // Prepares the first step, such as by training a guide. Called if the run has made no step yet.
  // Returns false if a signal interrupted the preparation.
  [[nodiscard]] virtual bool prepare(const RunFolder& /*run*/, const RunRequest& /*request*/,
                                     const RunStreams& /*streams*/) {
    return true;
  }
  // Returns the metrics that the progress line shows. `logged` are the metrics just logged.
  [[nodiscard]] virtual Metrics progress(const Metrics& logged) const = 0;

  struct Evaluated {
    Metrics logged = {};                // for the log; test_accuracy, if there are test images
    std::string note = {};              // the results in words, printed after the step number
    Metrics shown = {};                 // for the progress line, until the next evaluation
    std::optional<Sheet> samples = {};  // a picture, which only rank 0 needs to return
  };
  // Evaluates the EMA networks. If `last` is true, also computes what the report needs. Returns
  // nothing if `options.give_up` ended the evaluation. Without test images, nothing is logged.
  [[nodiscard]] virtual std::optional<Evaluated> evaluate(const EvaluationOptions& options,
                                                          bool last) = 0;
  // Prints the results of the run, after the last evaluation.
  virtual void conclude(const RunFolder& run, const RunResult& result, std::ostream& out) const = 0;
  // Returns the content of report.html. `command` is the command line that began the run. Pictures
  // are taken from the run's folder of samples.
  [[nodiscard]] virtual RunReport report(const RunFolder& run, const RunResult& result,
                                         const std::string& command) const = 0;
};

// Returns the facts that the reports of both kinds of runs show.
[[nodiscard]] RunFacts run_facts(const SessionSettings& settings, const RunInputs& inputs,
                                 const RunFolder& run, const RunResult& result,
                                 const std::string& command);

// Returns the value of a metric, or 0 if there is no metric of this name.
[[nodiscard]] double value_of(const Metrics& metrics, std::string_view name);

// Returns whether a run is finished: its newest checkpoint has made `steps` steps, and the report,
// which a run writes last, exists.
[[nodiscard]] bool is_finished(const RunFolder& folder, std::int64_t steps);

// Trains in `new_folder`, or in the folder of the run that `request` resumes. `make` creates the
// subject after the data are loaded. If the resumed run is finished, only returns its result.
// Errors (user), found before anything is written: mistakes in settings, data, folder or
// checkpoint.
RunResult run_training(const SessionSettings& settings, const std::filesystem::path& new_folder,
                       const RunRequest& request, const RunStreams& streams,
                       const std::function<std::unique_ptr<RunSubject>(const RunInputs&)>& make);

}  // namespace scimix

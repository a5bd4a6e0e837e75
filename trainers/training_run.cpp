#include "trainers/training_run.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <array>

#include "core/device.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"
#include "core/safetensors.hpp"
#include "data/image_io.hpp"
#include "report/run_history.hpp"
#include "report/run_lock.hpp"
#include "report/run_log.hpp"
#include "trainers/interrupt.hpp"
#include "trainers/rank_state.hpp"

namespace scimix {

RunFacts run_facts(const SessionSettings& settings, const RunInputs& inputs, const RunFolder& run,
                   const RunResult& result, const std::string& command) {
  return {.data = data_title(settings.data.dataset, settings.data.data_dir),
          .training_images = inputs.dataset.train.count,
          .labeled_images = std::ssize(inputs.split.labeled),
          .image_size = inputs.dataset.train.height,
          .steps = result.steps,
          .device = describe(inputs.device),
          .scale_note = scale_note(settings.scale),
          .command = command,
          .folder = run.path()};
}

double value_of(const Metrics& metrics, std::string_view name) {
  const auto found = std::find_if(metrics.begin(), metrics.end(),
                                  [&](const auto& metric) { return metric.first == name; });
  return found == metrics.end() ? 0.0 : found->second;
}

namespace {

// Asks whether a signal has reached any rank. A single process asks after every block of steps.
// Several ranks must communicate to ask, so they do it about once a second. The slowest rank's time
// per step determines how many steps that is.
class StopPoll {
 public:
  explicit StopPoll(Comm& ranks) : ranks_(ranks), last_seconds_(steady_seconds()) {}

  [[nodiscard]] bool stop(std::int64_t done) {
    if (ranks_.is_alone()) return interrupted_.raised();
    if (done < next_) return false;
    const double now = steady_seconds();
    const double per_step =
        (now - last_seconds_) / static_cast<double>(std::max<std::int64_t>(done - last_step_, 1));
    const std::array mine{interrupted_.raised() ? 1.0 : 0.0, per_step};
    const std::vector<double> all = ranks_.all_gather(mine);
    bool stop = false;
    double slowest = 1e-6;
    for (std::size_t i = 0; i < all.size(); i += 2) {
      stop |= all[i] != 0;
      slowest = std::max(slowest, all[i + 1]);
    }
    stride_ =
        std::clamp(static_cast<std::int64_t>(kSeconds / slowest), std::int64_t{1}, 2 * stride_);
    next_ = done + stride_;
    last_step_ = done;
    last_seconds_ = now;
    return stop;
  }
  [[nodiscard]] bool raised() const { return interrupted_.raised(); }
  void answer() { interrupted_.answer(); }

 private:
  static constexpr double kSeconds = 1.0;
  InterruptFlag interrupted_;
  Comm& ranks_;
  std::int64_t stride_ = 1;
  std::int64_t next_ = 0;
  std::int64_t last_step_ = 0;
  double last_seconds_;
};

// The part of a run that follows the creation of its folder.
class Run {
 public:
  // `lock` is the lock of the folder, or null on ranks other than 0.
  Run(const SessionSettings& settings, const RunFolder& folder, RunSubject& subject, Comm& ranks,
      RunLog& log, const RunLock* lock, const OnProgress& on_progress)
      : settings_(settings),
        folder_(folder),
        subject_(subject),
        session_(subject.session()),
        ranks_(ranks),
        log_(log),
        lock_(lock),
        on_progress_(on_progress) {}

  // Runs the remaining steps. Returns false if a signal ended the run early. The run can then be
  // resumed from its newest checkpoint.
  [[nodiscard]] bool train();
  // Returns the metrics of the last evaluation. Evaluates if there was no evaluation yet.
  [[nodiscard]] const Metrics& last_evaluation() {
    if (evaluated_.empty()) (void)evaluate({}, /*record=*/false);
    return evaluated_;
  }

 private:
  void log_training();
  [[nodiscard]] bool evaluate(const EvaluationOptions& options, bool record = true);
  void save();
  void show(const Metrics& training);
  // Writes the numbers to the logs, and passes them to on_progress.
  void publish(const Metrics& metrics) {
    log_.record(session_.steps_done(), metrics);
    if (on_progress_ && !on_progress_(session_.steps_done(), metrics)) stop_wanted_ = true;
  }

  const SessionSettings& settings_;
  const RunFolder& folder_;
  RunSubject& subject_;
  TrainingSession& session_;
  Comm& ranks_;
  RunLog& log_;
  const RunLock* lock_;
  const OnProgress& on_progress_;
  bool stop_wanted_ = false;
  Metrics training_shown_;
  Metrics evaluation_shown_;
  Metrics evaluated_;
};

void Run::log_training() {
  const TrainingMetrics found = session_.read_metrics();
  const std::span<const TermInfo> infos = session_.kind().terms;
  Metrics metrics;
  for (std::size_t i = 0; i < infos.size(); ++i) {
    if (found.terms[i]) metrics.emplace_back(infos[i].name, *found.terms[i]);
  }
  metrics.emplace_back("train_accuracy", found.accuracy);
  metrics.emplace_back("learning_rate", session_.learning_rate());
  metrics.emplace_back("epoch", session_.epochs());
  publish(metrics);
  show(subject_.progress(metrics));
}

void Run::show(const Metrics& training) {
  training_shown_ = training;
  Metrics line = training_shown_;
  line.insert(line.end(), evaluation_shown_.begin(), evaluation_shown_.end());
  log_.show(session_.steps_done(), line);
}

bool Run::evaluate(const EvaluationOptions& options, bool record) {
  const std::int64_t step = session_.steps_done();
  const auto found = subject_.evaluate(options, step == settings_.steps);
  if (!found) return false;
  evaluated_ = found->logged;
  evaluation_shown_ = found->shown;
  log_.exclude_pause();
  if (record && !found->logged.empty()) {
    show(training_shown_);
    publish(found->logged);
    log_.note(fmt::format("step {}: {}", step, found->note));
  }
  if (!found->samples || !ranks_.is_first()) return true;
  const auto path = folder_.step_samples(step);
  const ResidentSet& set = session_.test_set();
  const Sheet& sheet = *found->samples;
  write_grid(path, sheet.pixels, set.height(), set.width(), sheet.columns, sheet.scale);
  if (record) log_.image(step, "samples", path);
  return true;
}

void Run::save() {
  const std::int64_t step = session_.steps_done();
  if (lock_ != nullptr) lock_->check();
  if (ranks_.is_first()) folder_.note_checkpoint(step);
  session_.save(folder_.checkpoint(step));
  if (ranks_.is_first()) folder_.keep_newest_checkpoints(settings_.output.keep_checkpoints, step);
  if (!ranks_.is_alone()) ranks_.barrier();  // now the file is complete for all ranks
}

// All ranks make the same steps, and communicate after the same steps. A checkpoint is written only
// after checks that all losses and all that it holds are finite, so that the newest checkpoint is
// always good.
bool Run::train() {
  const OutputSettings& every = settings_.output;
  const std::int64_t total = settings_.steps;
  StopPoll poll(ranks_);
  const EvaluationOptions give_up{.give_up = [&] { return poll.raised(); }};
  if (session_.evaluation_due()) {  // the run was interrupted before this evaluation
    if (!evaluate(give_up)) {
      poll.answer();
      return false;
    }
    session_.set_evaluation_due(false);
    save();  // without it, a run that is killed now would make and log this evaluation once more
  }
  for (std::int64_t done = session_.steps_done(); done < total;) {
    const auto next_multiple = [&](std::int64_t interval) {
      return std::min(total, (done / interval + 1) * interval);
    };
    const std::int64_t end =
        std::min({done + session_.steps_at_once(), next_multiple(every.log_every),
                  next_multiple(every.eval_every), next_multiple(every.checkpoint_every)});
    session_.steps(end - done);
    done = end;
    const auto due = [&](std::int64_t interval) { return done % interval == 0 || done == total; };
    const bool log = due(every.log_every);
    const bool evaluation = due(every.eval_every);
    bool stop = poll.stop(done) && done < total;
    if (log || evaluation || stop || due(every.checkpoint_every)) session_.check_finite();
    if (log) {
      log_training();
    } else {
      log_.show(done);
    }
    const bool pending = evaluation && (stop || !evaluate(give_up));
    session_.set_evaluation_due(pending);
    stop |= pending || (stop_wanted_ && done < total);
    if (stop || due(every.checkpoint_every)) save();
    log_.exclude_pause();
    if (stop) {
      poll.answer();
      return false;
    }
  }
  return true;
}

// --- before and after the steps ---

bool is_rank_0(const RunRequest& request) {
  return request.ranks == nullptr || request.ranks->rank() == 0;
}

RunResult result_in_log(const RunFolder& folder, std::int64_t steps) {
  const RunHistory history = RunHistory::read(folder.metrics());
  const MedianAccuracy median = median_accuracy(history);
  RunResult result{.median_accuracy = median.accuracy, .evaluations = median.evaluations};
  result.steps = steps;
  const Series* const accuracy = history.find("test_accuracy");
  result.has_test_images = accuracy != nullptr && !accuracy->points.empty();
  if (result.has_test_images) {
    result.accuracy = accuracy->points.back().value;
  }
  return result;
}

// Loads the newest whole checkpoint on all ranks, if there is one, and returns its step.
std::int64_t load_newest(TrainingSession& session, const RunFolder& folder, std::ostream& out) {
  std::vector<std::string> passed_over;
  const auto checkpoint = folder.latest_checkpoint(&passed_over);
  for (const std::string& line : passed_over) fmt::print(out, "{}\n", line);
  if (checkpoint) session.load(*checkpoint);
  return session.steps_done();
}

// Writes the pictures of a new run, and returns their names.
std::vector<std::string> write_sheets(const RunFolder& folder, const RunSubject& subject,
                                      const ImageSet& images) {
  std::vector<std::string> names;
  for (const Sheet& sheet : subject.first_sheets()) {
    write_grid(folder.samples() / (sheet.name + ".png"), sheet.pixels, images.height, images.width,
               sheet.columns, sheet.scale);
    names.push_back(sheet.name);
  }
  return names;
}

}  // namespace

bool is_finished(const RunFolder& folder, std::int64_t steps) {
  const auto newest = folder.latest_checkpoint();
  if (!newest || !is_file(folder.report())) return false;
  const SafetensorsFile file(*newest);
  const auto step = file.metadata().find("step");
  return step != file.metadata().end() && step->second == std::to_string(steps);
}

RunResult run_training(const SessionSettings& settings, const std::filesystem::path& new_folder,
                       const RunRequest& request, const RunStreams& streams,
                       const std::function<std::unique_ptr<RunSubject>(const RunInputs&)>& make) {
  std::ostream& out = streams.out;
  const bool first = is_rank_0(request);
  std::optional<RunLock> lock;
  std::optional<RunFolder> folder;
  if (request.resume) {
    folder = RunFolder::open(*request.resume);
    if (first) {
      lock.emplace(folder->path());
      folder->remove_leftovers();
    }
    const bool finished = is_finished(*folder, settings.steps);
    if (request.ranks == nullptr ? finished : request.ranks->agree(finished)) {
      fmt::print(out, "run folder {}, resumed after step {}: the run is finished{}\n",
                 folder->path().string(), settings.steps,
                 request.changes_training.empty()
                     ? ""
                     : ", so these changed settings have no effect: " + request.changes_training);
      return result_in_log(*folder, settings.steps);
    }
    if (first) folder->check_writable();
  } else if (first) {
    check_new_run(new_folder, settings.data);
  }

  const RunInputs inputs = load_run_inputs(settings.data, settings.ranks, settings.output, request,
                                           request.resume.value_or(new_folder), streams.progress);
  Comm& ranks = *inputs.ranks;
  const std::unique_ptr<RunSubject> subject = make(inputs);
  TrainingSession& session = subject->session();
  std::optional<std::int64_t> resumed;
  std::vector<std::string> sheets;
  if (request.resume) resumed = load_newest(session, *folder, out);
  session.share_state();
  if (resumed) resumed = session.steps_done();
  if (!request.resume) {
    folder = first ? RunFolder::create(new_folder) : RunFolder::of_another_rank(new_folder);
    if (first) {
      lock.emplace(new_folder);
      folder->remove_leftovers();
      save_split(folder->split(), inputs.split);
      sheets = write_sheets(*folder, *subject, inputs.dataset.train);
      folder->write_config(request.config_text);
    }
  }
  if (request.resume && request.settings_changed && first) {
    folder->write_config(request.config_text);
  }
  subject->introduce(out);
  for (const std::string& note : inputs.dataset.notes) fmt::print(out, "note: {}\n", note);
  if (!ranks.is_alone()) fmt::print(out, "{} ranks share every batch\n", ranks.size());
  fmt::print(out, "run folder {}{}\n", folder->path().string(),
             resumed ? fmt::format(", resumed after step {}", *resumed) : "");
  out.flush();

  const auto interrupted = [&](std::int64_t steps) {
    fmt::print(out, "interrupted after step {}; continue with --resume {}\n", steps,
               folder->path().string());
    return RunResult{.steps = steps, .interrupted = true};
  };
  if (session.steps_done() == 0 && !subject->prepare(*folder, request, streams)) {
    return interrupted(0);
  }
  RunLog log =
      first ? RunLog(*folder, settings.steps, subject->images_per_step(), resumed, streams.progress)
            : RunLog();
  for (const std::string& name : sheets) log.image(0, name, folder->samples() / (name + ".png"));
  // A report tells of a finished run. A run that goes on after its end is not finished any more.
  if (first && session.steps_done() < settings.steps) {
    std::error_code error;
    std::filesystem::remove(folder->report(), error);
    if (error) user_error(folder->report().string(), ": cannot be removed: ", error.message());
  }
  Run run(settings, *folder, *subject, ranks, log, lock ? &*lock : nullptr, request.on_progress);
  const bool trained = run.train();
  log.finish();
  if (!trained) return interrupted(session.steps_done());
  RunResult result;
  result.steps = session.steps_done();
  result.has_test_images = inputs.dataset.test.count > 0;
  result.accuracy = value_of(run.last_evaluation(), "test_accuracy");
  if (!first) return result;  // only rank 0 writes the report
  const MedianAccuracy median = median_accuracy(RunHistory::read(folder->metrics()));
  result.evaluations = median.evaluations;
  result.median_accuracy = median.evaluations > 0 ? median.accuracy : result.accuracy;
  subject->conclude(*folder, result, out);
  std::string commands = request.command;
  for (const std::string& later : request.later_commands) commands += "\n" + later;
  write_report(*folder, subject->report(*folder, result, commands));
  fmt::print(out, "report {}\n", folder->report().string());
  return result;
}

}  // namespace scimix

#include "python/training.hpp"

#include <nanobind/stl/string.h>

#include <array>
#include <csignal>
#include <exception>
#include <iostream>
#include <optional>
#include <sstream>

#include "core/error.hpp"
#include "python/networks.hpp"
#include "settings/run_kinds.hpp"
#include "tools/command_line/run_settings.hpp"
#include "tools/train/needed_generator.hpp"
#include "tools/train/train_command.hpp"
#include "trainers/classifier_run.hpp"
#include "trainers/generator_run.hpp"
#include "trainers/interrupt.hpp"

namespace scimix::python {

namespace {

namespace nb = nanobind;

// Restores Python's signal handlers at the end of its life. A run that a signal ended leaves its
// own handlers in place (trainers/interrupt.hpp).
class KeptHandlers {
 public:
  KeptHandlers() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], nullptr, &kept_[i]);
  }
  ~KeptHandlers() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &kept_[i], nullptr);
    // Python handles a signal that came after the last step and ended no run.
    if (take_unanswered_signal()) PyErr_SetInterrupt();
  }
  KeptHandlers(const KeptHandlers&) = delete;
  KeptHandlers& operator=(const KeptHandlers&) = delete;

 private:
  static constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU, SIGPIPE};
  std::array<struct sigaction, kSignals.size()> kept_{};
};

// Calls a Python function with the numbers of a run. An exception ends the run, and is kept.
class Progress {
 public:
  explicit Progress(nb::object function) : function_(std::move(function)) {}

  [[nodiscard]] OnProgress callback() {
    if (function_.is_none()) return {};
    return [this](std::int64_t step, const std::vector<std::pair<std::string, double>>& metrics) {
      const nb::gil_scoped_acquire locked;
      try {
        nb::dict numbers;
        numbers["step"] = step;
        for (const auto& [name, value] : metrics) numbers[name.c_str()] = value;
        function_(numbers);
        return true;
      } catch (...) {
        thrown_ = std::current_exception();
        return false;
      }
    };
  }
  void rethrow() const {
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  nb::object function_;
  std::exception_ptr thrown_;
};

struct Outcome {
  RunResult result;
  std::string folder;
};

// MPI can be initialised only once in a process, so all runs share its ranks.
Ranks& ranks_of_process() {
  static Ranks ranks;
  return ranks;
}

template <class Config>
Outcome run(const RunKind& kind, const SettingTable<Config>& table,
            const std::vector<std::string>& arguments, const OnProgress& on_progress,
            const RunStreams& streams) {
  const AskedRun asked = read_command(kind, arguments);
  if (asked.done) user_error("settings: one of them only shows help, expected those of a run");
  if (asked.seeds) {
    user_error("--seeds ", *asked.seeds,
               ": expected one run, with the settings seed and split-seed");
  }
  Config config = table.config(asked.values);
  Ranks& ranks = ranks_of_process();
  // A GPU's work is recorded as a graph while it is submitted, so no other thread may submit work.
  // On a CPU, trainings and other calls may run at the same time.
  std::unique_lock<std::recursive_mutex> turn;
  const Device device = ranks.device(config.output.device);
  check_device_of_process(device);
  if (device.is_cuda()) {
    turn = take_turn(device);
  }
  std::filesystem::path folder = asked.resume;
  const std::string typed = command_line(kind.name, arguments);
  if constexpr (std::is_same_v<Config, ClassifierConfig>) {
    if (!asked.resumes()) fill_in_placeholders(config);
    make_paths_absolute(config);
    if (!provide_generator(config, asked.resume, typed, ranks, streams)) {
      return {{.interrupted = true}, config.hybrids.generator};
    }
  } else {
    make_paths_absolute(config);
  }
  if (folder.empty()) folder = run_folder_of(config);
  RunRequest request = make_request(kind, asked, table.values(config), typed, ranks);
  request.on_progress = on_progress;
  if constexpr (std::is_same_v<Config, ClassifierConfig>) {
    return {run_classifier(config, request, streams), folder.string()};
  } else {
    return {run_generator(config, request, streams), folder.string()};
  }
}

}  // namespace

nb::dict train(const std::string& kind, const std::vector<std::string>& arguments,
               nb::object on_progress, bool verbose) {
  Progress progress(std::move(on_progress));
  const OnProgress callback = progress.callback();
  Outcome outcome;
  {
    const nb::gil_scoped_release released;
    const KeptHandlers kept;
    std::ostringstream nobody;
    const RunStreams streams =
        verbose ? RunStreams{std::cout, std::cerr} : RunStreams{nobody, nobody};
    run_without_threads_of_parent([&] {
      outcome = kind == "generator"
                    ? run(generator_kind(), generator_table(), arguments, callback, streams)
                    : run(classifier_kind(), classifier_table(), arguments, callback, streams);
    });
    if (verbose) std::cout.flush();
  }
  progress.rethrow();
  if (outcome.result.interrupted) {
    PyErr_Format(PyExc_KeyboardInterrupt, "the run in %s was interrupted and can be resumed",
                 outcome.folder.c_str());
    throw nb::python_error();
  }
  nb::dict out;
  out["folder"] = outcome.folder;
  out["steps"] = outcome.result.steps;
  if (outcome.result.has_test_images) out["accuracy"] = outcome.result.accuracy;
  return out;
}

}  // namespace scimix::python

#include "tools/eval/eval_accuracy.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <iostream>

#include "core/atomic_file.hpp"
#include "core/device.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"
#include "core/result_file.hpp"
#include "report/confusion_picture.hpp"
#include "report/run_history.hpp"
#include "tools/command_line/cli.hpp"
#include "tools/command_line/json_file.hpp"
#include "tools/command_line/result_folder.hpp"
#include "tools/eval/accuracy_report.hpp"
#include "tools/eval/evaluation_data.hpp"
#include "tools/eval/test_images.hpp"
#include "tools/eval/trained_classifier.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/resident_set.hpp"

namespace scimix {

namespace {

struct AccuracySettings {
  std::string run;  // run folder or checkpoint
  DataChoice data;
  std::int64_t batch = 250;
  std::string device = "auto";
  std::string confusion;
  std::string json;
};

void add_options(CLI::App& app, AccuracySettings& s) {
  use_setting_defaults(app);
  add_classifier_run(app, s.run);
  add_test_images(app, s.data);
  add_batch_and_device(app, "Measurement", s.batch, s.device);
  const std::string output = "Output";
  app.add_option("--confusion", s.confusion, "draw the confusion matrix into this SVG file")
      ->group(output)
      ->check(not_empty());
  app.add_option("--json", s.json, "write all numbers to this file as well")
      ->group(output)
      ->check(not_empty());
}

void check(const AccuracySettings& s) {
  check_apart({{"--confusion", s.confusion}, {"--json", s.json}});
  if (!s.confusion.empty() && !s.confusion.ends_with(".svg")) {
    user_error("--confusion ", s.confusion, ": expected a name that ends in .svg");
  }
  if (!s.confusion.empty()) check_result_file("--confusion", s.confusion, "class=\"confusion\"");
  if (!s.json.empty()) check_result_file("--json", s.json, "\"trained_by\"");
}

// Returns the median of a run's evaluations. A checkpoint alone has no history.
MedianAccuracy median_of_run(const std::filesystem::path& path) {
  if (!is_folder(path)) return {};
  return median_accuracy(RunHistory::read(path / "metrics.jsonl"));
}

void write_confusion(const std::string& path, const Confusion& confusion,
                     const std::vector<std::string>& names) {
  AtomicFile file(path);
  file.write(confusion_svg(confusion, names));
  file.commit();
}

int accuracy(const AccuracySettings& s) {
  const Device device = parse_device(s.device);
  select_device(device);
  const ClassifierCheckpoint checkpoint = find_classifier(s.run);
  const ClassifierSettings settings = settings_of(checkpoint);
  const MedianAccuracy median = median_of_run(s.run);
  const WideResNet network = load_classifier(checkpoint, settings, device);
  const TestImages chosen = load_checked_test_images(s.data, checkpoint, settings);
  const EvaluationData& data = chosen.data;
  const std::vector<std::string>& names = data.dataset.class_names;
  introduce(std::cout, checkpoint, settings, chosen);

  const ResidentSet images(data.dataset.test, device);
  const Confusion confusion =
      confusion_of(network, images, evaluation_batch(s.batch, images), settings.precision);
  print_accuracy(std::cout, confusion, names, median);
  if (!s.confusion.empty()) write_confusion(s.confusion, confusion, names);
  if (!s.json.empty()) {
    nlohmann::ordered_json json{{"checkpoint", checkpoint.file.string()},
                                {"trained_by", command_of(checkpoint)},
                                {"step", settings.step},
                                {"dataset", data.settings.dataset}};
    json.update(accuracy_json(confusion, names, median));
    write_json(s.json, json);
  }
  return 0;
}

}  // namespace

int eval_accuracy(const std::vector<std::string>& arguments) {
  CLI::App app("How often a trained classifier is right on test images, by class.",
               "scimix_eval accuracy");
  AccuracySettings settings;
  add_options(app, settings);
  if (const auto done = parse(app, arguments)) return *done;
  check(settings);
  return accuracy(settings);
}

}  // namespace scimix

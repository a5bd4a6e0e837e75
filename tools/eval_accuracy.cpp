#include "tools/eval_accuracy.hpp"

#include <fmt/format.h>

#include <iostream>

#include "core/atomic_file.hpp"
#include "core/device.hpp"
#include "core/error.hpp"
#include "report/confusion_picture.hpp"
#include "report/run_history.hpp"
#include "tools/accuracy_report.hpp"
#include "tools/cli.hpp"
#include "tools/evaluation_data.hpp"
#include "tools/json_file.hpp"
#include "tools/run_options.hpp"
#include "tools/trained_classifier.hpp"
#include "trainers/count_confusion.hpp"
#include "trainers/run_start.hpp"

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
  app.add_option("run", s.run, "run folder or checkpoint of scimix_train classifier or generator")
      ->required();
  add_data_choice(app, s.data, "the classifier",
                  "training images, only to tell whether they are those of the run");
  const std::string measure = "Measurement";
  app.add_option("--batch", s.batch, "images at a time")
      ->group(measure)
      ->check(CLI::PositiveNumber);
  app.add_option("--device", s.device, "auto, cpu, cuda:N")->group(measure);
  const std::string output = "Output";
  app.add_option("--confusion", s.confusion, "write the confusion matrix to this file, an SVG")
      ->group(output);
  app.add_option("--json", s.json, "write the numbers to this file too")->group(output);
}

void check(const AccuracySettings& s) {
  if (s.confusion.empty() || s.confusion.ends_with(".svg")) return;
  user_error("--confusion ", s.confusion, ": expected a name that ends in .svg");
}

// Of a whole run: one checkpoint of it has no history.
MedianAccuracy median_of_run(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {};
  return median_accuracy(RunHistory::read(path / "metrics.jsonl"));
}

const char* command_of(const ClassifierCheckpoint& checkpoint) {
  return checkpoint.kind == ClassifierCheckpoint::Kind::classifier ? "classifier" : "generator";
}

void introduce(std::ostream& out, const ClassifierCheckpoint& checkpoint,
               const ClassifierSettings& settings, const EvaluationData& data) {
  out << fmt::format("{}: classifier of scimix_train {}, step {}, EMA\n", checkpoint.file.string(),
                     command_of(checkpoint), settings.step);
  if (checkpoint.metadata.contains("scale")) {
    const std::string note = scale_note(value_of(checkpoint.metadata, "scale"));
    if (!note.empty()) out << note << '\n';
  }
  note_other_images(out, "classifier", value_of(checkpoint.metadata, "train_hash"),
                    content_hash(data.dataset.train));
  out << fmt::format("{}: {} test images, {} classes\n\n", data.settings.dataset,
                     data.dataset.test.count, data.dataset.classes());
  out.flush();
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
  const EvaluationData data = load_evaluation_data(s.data, settings.data, settings.image_size);
  const std::vector<std::string>& names = data.dataset.class_names;
  check_classes(checkpoint, names);
  introduce(std::cout, checkpoint, settings, data);

  const ResidentSet images(data.dataset.test, device);
  const Confusion confusion = confusion_of(network, images, s.batch, settings.precision);
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

#include "tools/eval_accuracy.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <system_error>

#include "core/atomic_file.hpp"
#include "core/device.hpp"
#include "core/error.hpp"
#include "report/confusion_picture.hpp"
#include "report/run_history.hpp"
#include "tools/accuracy_report.hpp"
#include "tools/cli.hpp"
#include "tools/evaluation_data.hpp"
#include "tools/json_file.hpp"
#include "tools/trained_classifier.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/resident_set.hpp"
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
  app.add_option("--batch", s.batch, "images that are classified at a time")
      ->group(measure)
      ->check(CLI::PositiveNumber);
  app.add_option("--device", s.device, "auto, cpu, cuda:N")->group(measure);
  const std::string output = "Output";
  app.add_option("--confusion", s.confusion, "draw the confusion matrix into this SVG file")
      ->group(output);
  app.add_option("--json", s.json, "write all numbers to this file as well")->group(output);
}

void check(const AccuracySettings& s) {
  if (s.confusion.empty() || s.confusion.ends_with(".svg")) return;
  user_error("--confusion ", s.confusion, ": expected a name that ends in .svg");
}

// Returns the median of a run's evaluations. A checkpoint alone has no history.
MedianAccuracy median_of_run(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {};
  return median_accuracy(RunHistory::read(path / "metrics.jsonl"));
}

const char* command_of(const ClassifierCheckpoint& checkpoint) {
  return checkpoint.kind == ClassifierCheckpoint::Kind::classifier ? "classifier" : "generator";
}

// The images to test on, and how they were chosen.
struct TestImages {
  EvaluationData data;
  std::string train_hash;  // of the training images beside them
  std::string choice;      // " (all images of birds)"; may be empty
};

// Moves all training images to the test images.
void test_all_images(Dataset& dataset) {
  ImageSet& all = dataset.test;
  all.count += dataset.train.count;
  all.pixels.insert(all.pixels.end(), dataset.train.pixels.begin(), dataset.train.pixels.end());
  all.labels.insert(all.labels.end(), dataset.train.labels.begin(), dataset.train.labels.end());
  dataset.train = {};
}

// Loads the images of a folder. Where somebody has split it into train/ and test/, the images of
// test/ are tested. The folder of the run itself is split as it was for training, wherever it is
// now. Of any other folder all images are tested, since none was trained on.
TestImages load_folder(const AccuracySettings& s, const ClassifierSettings& settings,
                       const std::string& trained_on) {
  namespace fs = std::filesystem;
  DataChoice choice = s.data;
  const fs::path folder = choice.data_dir.value_or(settings.data.data_dir);
  std::error_code unreadable;  // then loading reports why
  const bool has_train = fs::is_directory(folder / "train", unreadable);
  const bool has_test = fs::is_directory(folder / "test", unreadable);
  if (has_test && !has_train) choice.data_dir = (folder / "test").string();
  TestImages images{load_evaluation_data(choice, settings.data, settings.image_size), {}, {}};
  images.train_hash = content_hash(images.data.dataset.train);
  if (has_train) return images;
  const bool own = !s.data.data_dir || images.train_hash == trained_on;
  if (own) {
    images.choice =
        fmt::format(" (a fifth of {}, which was held out from training)", folder.string());
  } else {
    test_all_images(images.data.dataset);
    images.choice = fmt::format(" (all images of {})", *choice.data_dir);
  }
  return images;
}

TestImages load_test_images(const AccuracySettings& s, const ClassifierSettings& settings,
                            const std::string& trained_on) {
  if (s.data.dataset.value_or(settings.data.dataset) == "folder") {
    return load_folder(s, settings, trained_on);
  }
  TestImages images{load_evaluation_data(s.data, settings.data, settings.image_size), {}, {}};
  images.train_hash = content_hash(images.data.dataset.train);
  return images;
}

void introduce(std::ostream& out, const ClassifierCheckpoint& checkpoint,
               const ClassifierSettings& settings, const TestImages& images) {
  out << fmt::format("{}: classifier of scimix_train {}, step {}, EMA\n", checkpoint.file.string(),
                     command_of(checkpoint), settings.step);
  if (checkpoint.metadata.contains("scale")) {
    const std::string note = scale_note(
        find_choice<RunScale>(value_of(checkpoint.metadata, "scale")).value_or(RunScale::full));
    if (!note.empty()) out << note << '\n';
  }
  note_other_images(out, "classifier", value_of(checkpoint.metadata, "train_hash"),
                    images.train_hash);
  const Dataset& dataset = images.data.dataset;
  out << fmt::format("{}: {} test images{}, {} classes\n\n", images.data.settings.dataset,
                     dataset.test.count, images.choice, dataset.classes());
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
  const TestImages chosen =
      load_test_images(s, settings, value_of(checkpoint.metadata, "train_hash"));
  const EvaluationData& data = chosen.data;
  const std::vector<std::string>& names = data.dataset.class_names;
  check_classes(checkpoint, names);
  introduce(std::cout, checkpoint, settings, chosen);

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

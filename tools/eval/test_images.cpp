#include "tools/eval/test_images.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "data/image_files.hpp"
#include "data/image_folder.hpp"
#include "tools/command_line/cli.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

TestImages load_as_for_training(const DataChoice& choice, const ClassifierSettings& settings) {
  TestImages images{
      load_evaluation_data(choice, settings.data,
                           {.side = settings.image_size, .image_cache = settings.image_cache}),
      {},
      {}};
  images.train_hash = content_hash(images.data.dataset.train);
  return images;
}

std::string held_out_from(const fs::path& folder, const ClassifierSettings& settings) {
  return fmt::format(" ({} of {}, which was held out from training)",
                     settings.data.test_share == 0.2
                         ? "a fifth"
                         : fmt::format("{:g}%", 100 * settings.data.test_share),
                     shown(folder));
}

// Loads all labelled images of the folder as test images. If the run was trained on some of them,
// keeps only the others.
TestImages load_whole_folder(const DataChoice& choice, const ClassifierSettings& settings,
                             const std::string& trained_on) {
  TestImages images{
      load_evaluation_data(choice, settings.data, {.side = settings.image_size, .test_only = true}),
      {},
      {}};
  Dataset& dataset = images.data.dataset;
  const fs::path folder = images.data.settings.data_dir;
  std::optional<HeldOut> parts = hold_out(
      dataset.test, dataset.classes(),
      {.test_fraction = images.data.settings.test_share, .seed = images.data.settings.data_seed});
  if (content_hash(dataset.test) == trained_on && !choice.allow_training_images) {
    user_error(shown(folder), ": the run was trained on all of these images, expected others ",
               "(--allow-training-images permits it)");
  }
  images.train_hash = content_hash(parts ? parts->train : dataset.test);
  images.from_training_folder = true;
  if (parts && images.train_hash == trained_on) {
    dataset.train = std::move(parts->train);
    dataset.test = std::move(parts->test);
    images.choice = held_out_from(folder, settings);
  } else {
    const bool some_have_none =
        has_unlabeled_layout(folder) || !images.data.settings.labels_file.empty();
    images.choice =
        fmt::format(" (all images{} of {})", some_have_none ? " with a class" : "", shown(folder));
  }
  return images;
}

TestImages load_folder(DataChoice choice, const ClassifierSettings& settings,
                       const std::string& trained_on) {
  const fs::path folder = choice.data_dir.value_or(settings.data.data_dir);
  // Chosen now: below, the folder may become its subfolder test/, where it would not be found.
  if (choice.data_dir) choice.labels_file = labels_file_of(choice, settings.data);
  if (has_unlabeled_layout(folder) || is_folder(folder / "train") ||
      !labels_file_of(choice, settings.data).empty()) {
    TestImages images = load_as_for_training(choice, settings);
    if (is_test_set(folder / "test")) return images;
    if (settings.data.test == TestSet::none && !choice.allow_training_images) {
      user_error(shown(folder), ": has no folder test/, and the run, which held out no images ",
                 "(--test none), may have been trained on these (--allow-training-images permits ",
                 "it)");
    }
    if (choice.data_dir && images.train_hash != trained_on &&
        !is_same_folder(folder, settings.data.data_dir)) {
      return load_whole_folder(choice, settings, trained_on);
    }
    images.from_training_folder = true;
    images.choice = images.train_hash == trained_on
                        ? held_out_from(folder, settings)
                        : fmt::format(" (a share of the labelled images of {})", shown(folder));
    return images;
  }
  if (is_test_set(folder / "test")) {
    choice.data_dir = (folder / "test").native();
    return load_whole_folder(choice, settings, trained_on);
  }
  if (choice.data_dir) return load_whole_folder(choice, settings, trained_on);
  TestImages images = load_as_for_training(choice, settings);
  images.from_training_folder = true;
  images.choice = held_out_from(folder, settings);
  return images;
}

// Gives the classes of a folder, which are some of those that the classifier knows, the
// classifier's numbers. Other classes stay as they are.
void take_classes_of(const std::vector<std::string>& known, Dataset& dataset) {
  std::vector<std::int32_t> numbers;
  for (const std::string& name : dataset.class_names) {
    const auto found = std::ranges::find(known, name);
    if (found == known.end()) return;
    numbers.push_back(static_cast<std::int32_t>(found - known.begin()));
  }
  for (ImageSet* const images : {&dataset.train, &dataset.test}) {
    for (std::int32_t& label : images->labels) {
      if (label != kUnknownLabel) label = numbers[static_cast<std::size_t>(label)];
    }
  }
  dataset.class_names = known;
}

}  // namespace

void add_classifier_run(CLI::App& app, std::string& run) {
  app.add_option("run", run, "run folder or checkpoint of scimix_train classifier or generator")
      ->required();
}

void add_test_images(CLI::App& app, DataChoice& choice) {
  add_data_choice(app, choice, "the classifier",
                  "training images, only to tell whether they are those of the run");
}

void add_batch_and_device(CLI::App& app, const std::string& group, std::int64_t& batch,
                          std::string& device) {
  check_number(app.add_option("--batch", batch,
                              "number of images that are processed at a time, for images of up to "
                              "32x32 pixels; larger images have proportionally smaller batches")
                   ->group(group),
               {.least = 1});
  app.add_option("--device", device, "auto, cpu, cuda:N")->group(group);
  add_threads(app, group);
}

TestImages load_test_images(const DataChoice& choice, const ClassifierSettings& settings,
                            const std::string& trained_on) {
  if (choice.dataset.value_or(settings.data.dataset) == "folder") {
    return load_folder(choice, settings, trained_on);
  }
  return load_as_for_training(choice, settings);
}

TestImages load_checked_test_images(const DataChoice& choice,
                                    const ClassifierCheckpoint& checkpoint,
                                    const ClassifierSettings& settings) {
  const std::string trained_on = value_of(checkpoint.metadata, "train_hash");
  TestImages images = load_test_images(choice, settings, trained_on);
  if (images.from_training_folder) {
    check_not_changed(choice, settings.data, images.data.settings, trained_on, images.train_hash);
  }
  if (images.data.settings.dataset == "folder") {
    take_classes_of(class_names_of(checkpoint), images.data.dataset);
  }
  check_classes(checkpoint, images.data.dataset.class_names);
  return images;
}

const char* command_of(const ClassifierCheckpoint& checkpoint) {
  return checkpoint.kind == ClassifierCheckpoint::Kind::classifier ? "classifier" : "generator";
}

void introduce(std::ostream& out, const ClassifierCheckpoint& checkpoint,
               const ClassifierSettings& settings, const TestImages& images) {
  out << fmt::format("{}: classifier of scimix_train {}, step {}, EMA\n", shown(checkpoint.file),
                     command_of(checkpoint), settings.step);
  if (checkpoint.metadata.contains("scale")) {
    const std::string note = scale_note(
        find_choice<RunScale>(value_of(checkpoint.metadata, "scale")).value_or(RunScale::full));
    if (!note.empty()) out << note << '\n';
  }
  const Dataset& dataset = images.data.dataset;
  note_other_images(out, "classifier", value_of(checkpoint.metadata, "train_hash"),
                    images.train_hash);
  // Only the notes on files: `choice` says already how test images were held out.
  for (std::size_t i = 0; i < dataset.file_notes; ++i) {
    out << "note: " << dataset.notes[i] << '\n';
  }
  out << fmt::format("{}: {} test images{}, {} classes\n\n", images.data.settings.dataset,
                     dataset.test.count, images.choice, dataset.classes());
  out.flush();
}

}  // namespace scimix

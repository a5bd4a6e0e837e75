#include "tools/test_images.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <utility>

#include "core/paths.hpp"
#include "data/image_folder.hpp"
#include "trainers/run_start.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

// Loads all images of the folder as test images. If the run was trained on some of them, keeps only
// the others.
TestImages load_whole_folder(const DataChoice& choice, const ClassifierSettings& settings,
                             const std::string& trained_on) {
  TestImages images{load_evaluation_data(choice, settings.data, settings.image_size,
                                         /*test_only=*/true),
                    {},
                    {}};
  Dataset& dataset = images.data.dataset;
  const fs::path folder = images.data.settings.data_dir;
  std::optional<HeldOut> parts =
      hold_out(dataset.test, dataset.classes(), {.seed = images.data.settings.data_seed});
  images.train_hash = content_hash(parts ? parts->train : dataset.test);
  if (parts && images.train_hash == trained_on) {
    dataset.train = std::move(parts->train);
    dataset.test = std::move(parts->test);
    images.choice =
        fmt::format(" (a fifth of {}, which was held out from training)", shown(folder));
  } else {
    images.choice = fmt::format(" (all images of {})", shown(folder));
  }
  return images;
}

TestImages load_folder(DataChoice choice, const ClassifierSettings& settings,
                       const std::string& trained_on) {
  const fs::path folder = choice.data_dir.value_or(settings.data.data_dir);
  const bool has_train = is_folder(folder / "train");
  if (!has_train && is_folder(folder / "test")) {
    const bool is_set = is_test_set(folder / "test");
    if (is_set) choice.data_dir = (folder / "test").native();
    if (is_set) return load_whole_folder(choice, settings, trained_on);
  }
  if (!has_train && choice.data_dir) return load_whole_folder(choice, settings, trained_on);
  TestImages images{load_evaluation_data(choice, settings.data, settings.image_size), {}, {}};
  images.train_hash = content_hash(images.data.dataset.train);
  if (!has_train) {
    images.choice =
        fmt::format(" (a fifth of {}, which was held out from training)", shown(folder));
  }
  return images;
}

}  // namespace

TestImages load_test_images(const DataChoice& choice, const ClassifierSettings& settings,
                            const std::string& trained_on) {
  if (choice.dataset.value_or(settings.data.dataset) == "folder") {
    return load_folder(choice, settings, trained_on);
  }
  TestImages images{load_evaluation_data(choice, settings.data, settings.image_size), {}, {}};
  images.train_hash = content_hash(images.data.dataset.train);
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

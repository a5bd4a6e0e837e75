#include "tools/eval/evaluation_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <ostream>
#include <string_view>
#include <system_error>
#include <vector>

#include "core/error.hpp"
#include "core/is_inside.hpp"
#include "core/paths.hpp"
#include "data/csv.hpp"
#include "data/file.hpp"
#include "data/image_files.hpp"
#include "data/labels_file.hpp"
#include "report/count_line.hpp"
#include "tools/command_line/cli.hpp"

namespace scimix {

void add_data_choice(CLI::App& app, DataChoice& c, const std::string& whose,
                     const std::string& training_images) {
  const std::string group = "Data (default: that of " + whose + "'s run)";
  app.add_option("--dataset", c.dataset, "test images of this data set")->group(group);
  app.add_option("--data-dir", c.data_dir, "folder of the data set (not for digits)")->group(group);
  app.add_option("--labels-file", c.labels_file,
                 "CSV file with the classes of the images of a folder (with --data-dir)")
      ->group(group);
  check_number(
      app.add_option("--data-seed", c.data_seed, "seed of drawn digits and of held-out images")
          ->group(group));
  check_number(
      app.add_option("--digits-train", c.digits_train, "digits: " + training_images)->group(group),
      {.least = 10});
  check_number(app.add_option("--digits-test", c.digits_test, "digits: test images")->group(group),
               {.least = 10});
  app.add_flag("--allow-training-images", c.allow_training_images,
               "permit test images of a folder that the run may have been trained on: with another "
               "--data-seed, after the folder has changed, or of a run with --test none")
      ->group(group);
  app.add_flag("--skip-unreadable", c.skip_unreadable,
               "leave out images of a folder that cannot be read, and say how many")
      ->group(group);
  app.add_flag("--resize", c.resize, "resize images of another data set to " + whose + "'s size")
      ->group(group);
}

namespace {

namespace fs = std::filesystem;

// Returns whether the labels file names an image in `folder`, or an image by its absolute path.
bool names_images_of(const fs::path& csv, const fs::path& folder) {
  const std::vector<std::uint8_t> bytes = read_file(csv);
  NamesInFolder names(folder, csv);
  const auto is_named = [&](const std::string& field) {
    if (!has_image_name(field)) return false;
    if (fs::path(field).is_absolute()) return true;
    const std::string name = names.name_of(field);
    std::error_code ignored;
    return name != ".." && !name.starts_with("../") && fs::exists(folder / name, ignored);
  };
  return std::ranges::any_of(parse_csv(text_in(bytes), shown(csv)), [&](const CsvRow& row) {
    return std::ranges::any_of(row.fields, is_named);
  });
}

// Returns the path of the labels file relative to the folder of the data set, or "" if the labels
// file does not lie in that folder.
fs::path place_in_folder(const DataSettings& own) {
  const fs::path relative = fs::path(own.labels_file)
                                .lexically_normal()
                                .lexically_relative(fs::path(own.data_dir).lexically_normal());
  return relative.empty() || *relative.begin() == ".." ? fs::path() : relative;
}

// Checks the data seed of a folder, which determines the held-out images. With another seed than
// the run's, some test images would be training images of the run.
void check_held_out(const DataChoice& choice, const DataSettings& own, const DataSettings& here) {
  if (choice.allow_training_images || here.dataset != "folder" || own.dataset != "folder") return;
  if (here.data_seed == own.data_seed) return;
  user_error("--data-seed ", here.data_seed,
             ": another split of the folder would test on images that the run was trained on, ",
             "expected the run's own seed, ", own.data_seed,
             " (--allow-training-images permits it)");
}

// Checks that a folder which the user chose is no part of the run's folder of images, except for
// its test images: the run was trained on the images of the other parts.
void check_no_part_of_training(const DataChoice& choice, const DataSettings& own,
                               const DataSettings& here) {
  if (choice.allow_training_images || !choice.data_dir || own.data_dir.empty()) return;
  if (here.dataset != "folder" || own.dataset != "folder") return;
  const fs::path chosen = here.data_dir;
  const fs::path trained = own.data_dir;
  if (!is_inside(chosen, trained) || is_same_folder(chosen, trained)) return;
  if (is_inside(chosen, trained / "test")) return;
  user_error("--data-dir ", shown(chosen), ": lies in ", shown(trained),
             ", on whose images the run was trained; expected that folder, its test/, or other ",
             "images (--allow-training-images permits it)");
}

}  // namespace

bool is_same_folder(const fs::path& one, const fs::path& other) {
  std::error_code ignored;
  return fs::equivalent(one, other, ignored);
}

void check_not_changed(const DataChoice& choice, const DataSettings& own, const DataSettings& here,
                       const std::string& trained_on, const std::string& train_hash) {
  if (choice.allow_training_images || train_hash == trained_on) return;
  if (!is_same_folder(here.data_dir, own.data_dir)) return;
  user_error(shown(fs::path(here.data_dir)),
             ": has changed since the run was trained on it, and has no test images of its own, ",
             "so the run may have been trained on those that would be chosen now; expected the ",
             "images as they were, or --data-dir with others (--allow-training-images permits it)");
}

std::string labels_file_of(const DataChoice& choice, const DataSettings& own) {
  if (choice.labels_file) return *choice.labels_file;
  if (choice.dataset) return {};
  if (!choice.data_dir || own.labels_file.empty()) return own.labels_file;
  const fs::path place = place_in_folder(own);
  if (!place.empty()) {
    const fs::path moved = fs::path(*choice.data_dir) / place;
    if (is_file(moved)) return moved.native();
  }
  // If the file lay outside of the folder and is missing, reading it gives the error.
  const bool needed =
      is_file(own.labels_file) ? names_images_of(own.labels_file, *choice.data_dir) : place.empty();
  return needed ? own.labels_file : std::string();
}

EvaluationData load_evaluation_data(const DataChoice& choice, const DataSettings& own,
                                    const EvaluationImages& wanted) {
  EvaluationData data{.settings = own, .dataset = {}};
  DataSettings& s = data.settings;
  const std::int64_t side = wanted.side;
  if (choice.dataset || choice.data_dir || choice.labels_file) s.test = TestSet::automatic;
  s.labels_file = labels_file_of(choice, own);
  s.dataset = choice.dataset.value_or(own.dataset);
  s.data_dir = choice.data_dir.value_or(own.data_dir);
  s.data_seed = choice.data_seed.value_or(own.data_seed);
  s.digits_train = choice.digits_train.value_or(own.digits_train);
  s.digits_test = choice.digits_test.value_or(own.digits_test);
  s.skip_unreadable = own.skip_unreadable || choice.skip_unreadable;
  check_held_out(choice, own, s);
  check_no_part_of_training(choice, own, s);
  s.image_size = s.dataset == own.dataset || choice.resize ? side : 0;
  if (s.test == TestSet::none) {
    user_error("the run has no test images (--test none); test it on others: --dataset folder ",
               "--data-dir FOLDER");
  }
  s.bounding_box = s.bounding_box && s.dataset == "cub-200-2011";
  DatasetOptions options = dataset_options(s);
  options.test_only = wanted.test_only;
  if (s.image_cache) options.image_cache = wanted.image_cache;
  options.storage = {.storage = s.image_storage, .folder = wanted.image_cache};
  CountLine line(std::cerr, stderr_is_terminal(), "reading images");
  options.progress = [&](std::int64_t done, std::int64_t images) { line.update(done, images); };
  data.dataset = load_dataset(s.dataset, s.data_dir, options);
  const ImageSet& test = data.dataset.test;
  if (test.height != side || test.width != side) {
    user_error(s.dataset, ": ", test.width, "x", test.height, " pixels, expected ", side, "x", side,
               " (--resize brings images to size)");
  }
  s.image_size = side;
  return data;
}

void note_other_images(std::ostream& out, const std::string& what, const std::string& trained_on,
                       const std::string& here) {
  if (trained_on == here) return;
  out << fmt::format("note: the {} was trained on other images (hash {}, here {})\n", what,
                     trained_on, here);
}

}  // namespace scimix

#include "tools/eval/eval_predict.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <unordered_set>

#include "core/device.hpp"
#include "core/error.hpp"
#include "core/is_inside.hpp"
#include "core/paths.hpp"
#include "core/random.hpp"
#include "core/result_file.hpp"
#include "data/image_reader.hpp"
#include "data/random_order.hpp"
#include "report/calibration.hpp"
#include "report/count_line.hpp"
#include "tools/command_line/cli.hpp"
#include "tools/command_line/result_folder.hpp"
#include "tools/eval/evaluation_data.hpp"
#include "tools/eval/prediction.hpp"
#include "tools/eval/test_images.hpp"
#include "tools/eval/trained_classifier.hpp"
#include "trainers/classifier_logits.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/resident_set.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kListed = 10;       // images that are printed
constexpr std::uint32_t kCheckStream = 3;  // of Purpose::pairing: which predictions to check

struct PredictSettings {
  std::string run;                  // run folder or checkpoint
  std::vector<std::string> images;  // files and folders
  DataChoice data;                  // for the calibration
  bool no_calibration = false;
  std::string out;
  std::string sort_into;
  bool link = false;
  std::string to_label;
  std::string to_check;
  std::int64_t top = 1;
  double error_rate = 0.01;
  bool skip_unreadable = false;
  std::int64_t batch = 250;
  std::string device = "auto";
};

void add_options(CLI::App& app, PredictSettings& s) {
  use_setting_defaults(app);
  add_classifier_run(app, s.run);
  app.add_option("images", s.images, "image files, and folders of images at any depth")
      ->required()
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  const std::string output = "Output";
  app.add_option("--out", s.out, "CSV file: file, class, probability and margin of each image")
      ->group(output)
      ->check(not_empty());
  check_number(app.add_option("--top", s.top,
                              "number of most probable classes that --out lists for each image")
                   ->group(output),
               {.least = 1});
  app.add_option(
         "--sort-into", s.sort_into,
         "copy the images into this new or empty folder, into a subfolder for each predicted class")
      ->group(output)
      ->check(not_empty());
  app.add_flag("--link", s.link, "make symbolic links in --sort-into, in place of copies")
      ->group(output);
  app.add_option("--to-label", s.to_label,
                 "CSV file with the images in the order in which a person should label them, the "
                 "least certain first, with a column to fill in")
      ->group(output)
      ->check(not_empty());
  check_number(
      app.add_option("--error-rate", s.error_rate,
                     "accepted share of wrong predictions, 0 to 1; it decides how many predictions "
                     "a person should check")
          ->group(output),
      {.least = 0, .most = 1});
  app.add_option("--to-check", s.to_check,
                 "CSV file with the predictions to check, drawn at random from the confident ones")
      ->group(output)
      ->check(not_empty());
  app.add_flag("--skip-unreadable", s.skip_unreadable,
               "leave out images that cannot be read, and say how many")
      ->group(output);
  add_batch_and_device(app, "Computation", s.batch, s.device);
  app.add_flag("--no-calibration", s.no_calibration,
               "leave the probabilities as the network gives them")
      ->group("Calibration");
  app.add_option(
         "--data-dir", s.data.data_dir,
         "new location of the run's data set, if it was moved; its test images, or those held "
         "out, calibrate the probabilities")
      ->group("Calibration");
  app.add_option("--labels-file", s.data.labels_file,
                 "new location of the run's labels file, if it was moved")
      ->group("Calibration");
}

// A file in which a person writes labels or corrections is never replaced.
void check_new_file(const std::string& option, const fs::path& path) {
  if (path_kind(path) != PathKind::missing) {
    user_error(option, " ", shown(path), ": exists already and may hold labels; it is not ",
               "replaced, expected a new name");
  }
  check_result_file(option, path, "");
}

void check(const PredictSettings& s) {
  check_apart({{"--out", s.out},
               {"--to-label", s.to_label},
               {"--to-check", s.to_check},
               {"--sort-into", s.sort_into}});
  if (!s.out.empty()) check_result_file("--out", s.out, kPredictionsMark);
  if (!s.to_label.empty()) check_new_file("--to-label", s.to_label);
  if (!s.to_check.empty()) check_new_file("--to-check", s.to_check);
  if (!s.sort_into.empty()) check_new_folder("--sort-into", s.sort_into);
  if (s.no_calibration && !s.to_check.empty()) {
    user_error("--to-check with --no-calibration: only calibrated probabilities tell how many ",
               "predictions to check, expected one of the two");
  }
  if (s.link && s.sort_into.empty()) user_error("--link: expected only with --sort-into");
}

// Lists files and folders; each image counts once, however it was named.
void list_named(const std::vector<std::string>& named, ImageFiles& files, BadFiles& bad) {
  for (const std::string& name : named) {
    if (name.empty()) user_error("images: an empty name, expected image files and folders");
    const fs::path path(name);
    const PathKind kind = path_kind(path);
    if (kind == PathKind::missing) user_error(shown(path), ": no such file or folder");
    if (kind == PathKind::folder) {
      const std::size_t before = files.files.size();
      const std::int64_t bad_before = bad.count();
      files.add_tree(path, kUnknownLabel, bad);
      if (files.files.size() == before && bad.count() == bad_before) {
        user_error(shown(path), ": holds no images");
      }
      continue;
    }
    if (files.folders.empty() || files.folders.back() != path.parent_path()) {
      files.folders.push_back(path.parent_path());
    }
    const auto folder = static_cast<std::uint32_t>(files.folders.size() - 1);
    files.files.push_back({folder, path.filename().native(), kUnknownLabel});
  }
  std::vector<std::string> folders;
  for (const fs::path& folder : files.folders) {
    // A file's folder may be written "" or "birds/."; its parent is then the same.
    folders.push_back(absolute_path(folder / "file").lexically_normal().parent_path().native());
  }
  std::unordered_set<std::string> seen;
  std::erase_if(files.files, [&](const ImageFiles::File& file) {
    return !seen.insert(folders[file.folder] + '/' + file.name).second;
  });
}

constexpr const char* kNamedImages = "the images to predict";
constexpr const char* kNoneReadable = "none of the images can be read";

// Lists the images before the classifier is loaded. Errors (user): a name that does not exist, a
// folder without images, files that are no images (unless --skip-unreadable leaves them out).
void list_usable(const PredictSettings& s, ImageFiles& files, BadFiles& bad) {
  list_named(s.images, files, bad);
  const std::int64_t listed = std::ssize(files.files);
  if (!s.skip_unreadable) bad.report(kNamedImages, listed + bad.count());
  if (listed == 0) user_error(kNoneReadable);
}

struct Found {
  std::vector<Prediction> predictions;
  std::vector<std::string> notes;
};

class Predictor {
 public:
  Predictor(const PredictSettings& s, const ClassifierCheckpoint& checkpoint)
      : settings_(s),
        device_(parse_device(s.device)),
        trained_((select_device(device_), settings_of(checkpoint))),
        checkpoint_(checkpoint),
        network_(load_classifier(checkpoint, trained_, device_)) {}

  [[nodiscard]] const ClassifierSettings& trained() const { return trained_; }

  // Prints the lines that say how the probabilities are calibrated, and returns the temperature, or
  // nothing if they are not calibrated. Errors (user): they are not, and --to-check needs them.
  [[nodiscard]] std::optional<double> calibrated(std::ostream& out) const;
  // Predicts the classes of the images. Those that cannot be read join the ones in `bad`.
  [[nodiscard]] Found predict(const ImageFiles& files, BadFiles& bad, double temperature) const;

 private:
  [[nodiscard]] Logits logits_of(const ImageSet& images, std::int64_t first,
                                 std::int64_t count) const;
  // Returns the logits of all images, or of some evenly spaced ones if those of all would take much
  // memory and time. The images of each class stand together, so that each class has its share.
  [[nodiscard]] Logits logits_to_calibrate(const ImageSet& images) const;

  const PredictSettings& settings_;
  Device device_;
  ClassifierSettings trained_;
  const ClassifierCheckpoint& checkpoint_;
  WideResNet network_;
};

ImageSet part_of(const ImageSet& images, std::int64_t first, std::int64_t count) {
  const std::int64_t bytes = images.image_bytes();
  ImageSet part{.count = count,
                .height = images.height,
                .width = images.width,
                .pixels = {images.pixels.begin() + first * bytes,
                           images.pixels.begin() + (first + count) * bytes},
                .labels = {images.labels.begin() + first, images.labels.begin() + first + count}};
  return part;
}

Logits Predictor::logits_of(const ImageSet& images, std::int64_t first, std::int64_t count) const {
  const ResidentSet part(part_of(images, first, count), device_);
  Logits found = compute_logits(network_, part, count, evaluation_batch(settings_.batch, part),
                                trained_.precision);
  const bool finite = std::ranges::all_of(found.logits, [](float x) { return std::isfinite(x); });
  if (!finite) {
    user_error(shown(checkpoint_.file), ": the classifier's outputs are not finite numbers, ",
               "expected a network that was trained without a loss that is not finite");
  }
  return found;
}

Logits Predictor::logits_to_calibrate(const ImageSet& images) const {
  const std::vector<std::int32_t> indices =
      calibration_sample(images.count, network_.config().classes);
  const std::int64_t count = std::ssize(indices);
  if (count == images.count) return logits_of(images, 0, count);
  ImageSet some{
      .count = count, .height = images.height, .width = images.width, .pixels = {}, .labels = {}};
  for (const std::int32_t at : indices) {
    const auto pixels = images.image(at);
    some.pixels.insert(some.pixels.end(), pixels.begin(), pixels.end());
    some.labels.push_back(images.labels[static_cast<std::size_t>(at)]);
  }
  return logits_of(some, 0, count);
}

std::optional<double> Predictor::calibrated(std::ostream& out) const {
  const auto without = [&](const std::string& why) {
    if (!settings_.to_check.empty()) {
      user_error("--to-check ", shown(settings_.to_check), ": the probabilities are not calibrated",
                 why, ", so nobody knows how many predictions to check; expected a run with ",
                 "test images, and the data on which it was trained");
    }
    fmt::print(out, "The probabilities are not calibrated{}: use them only to rank images.\n", why);
    return std::optional<double>();
  };
  if (settings_.no_calibration) return without("");
  const bool moved = settings_.data.data_dir || settings_.data.labels_file;
  if (trained_.data.test == TestSet::none && !moved) {
    return without(", since the run has no test images (--test none)");
  }
  const std::string trained_on = value_of(checkpoint_.metadata, "train_hash");
  const TestImages held_out = [&] {
    try {
      return load_test_images(settings_.data, trained_, trained_on);
    } catch (const Error& error) {
      if (error.fault() != Fault::user) throw;
      user_error("the run's test images, which calibrate the probabilities, cannot be read ",
                 "(--no-calibration does without): ", error.what());
    }
  }();
  if (held_out.train_hash != trained_on) {
    return without(", since the data set is not the one that the run was trained on");
  }
  const ImageSet& images = held_out.data.dataset.test;
  if (images.count < 2) return without(", since the run has fewer than 2 test images");
  check_classes(checkpoint_, held_out.data.dataset.class_names);
  const Logits found = logits_to_calibrate(images);
  const Calibration fitted =
      calibrate({.classes = found.classes, .logits = found.logits, .labels = found.labels});
  fmt::print(out,
             "Probabilities are calibrated on {}the run's {} test images{}: temperature {:.3f}.\n"
             "Expected calibration error (15 bins): {:.1f}% before, {:.1f}% after.\n",
             fitted.images == images.count ? "" : fmt::format("{} of ", fitted.images),
             images.count, held_out.choice, fitted.temperature, 100 * fitted.error_before,
             100 * fitted.error_after);
  return fitted.temperature;
}

Found Predictor::predict(const ImageFiles& files, BadFiles& bad, double temperature) const {
  ReadImages read = [&] {
    CountLine line(std::cerr, stderr_is_terminal(), "reading images");
    return read_images(
        kNamedImages, files, bad,
        {.size = trained_.image_size,
         .resize = true,
         .skip_unreadable = settings_.skip_unreadable,
         .storage = {.storage = trained_.data.image_storage, .folder = trained_.image_cache},
         .progress = [&](std::int64_t done, std::int64_t images) { line.update(done, images); }});
  }();
  const std::int64_t count = read.images.count;
  if (count == 0) user_error(kNoneReadable);
  Found found{.predictions = {}, .notes = std::move(read.notes)};
  CountLine line(std::cerr, stderr_is_terminal(), "classifying images");
  const std::int64_t at_once = images_at_once(network_.config().classes);
  for (std::int64_t first = 0; first < count; first += at_once) {
    const std::int64_t rows = std::min(at_once, count - first);
    const Logits part = logits_of(read.images, first, rows);
    for (std::int64_t i = 0; i < rows; ++i) {
      const auto row = std::span(part.logits)
                           .subspan(static_cast<std::size_t>(i * part.classes),
                                    static_cast<std::size_t>(part.classes));
      found.predictions.push_back(
          {.file = files.path(read.kept[static_cast<std::size_t>(first + i)]).native(),
           .classes = rank_classes(row, temperature, std::max<std::int64_t>(settings_.top, 2))});
    }
    line.update(first + rows, count);
  }
  return found;
}

// --- what is printed ---------------------------------------------------------------------------

using Names = std::vector<std::string>;

void print_classes(std::ostream& out, const std::vector<Prediction>& predictions,
                   const Names& names) {
  constexpr std::size_t kMostClasses = 50;
  struct OfClass {
    std::int64_t images = 0;
    double probability = 0;
  };
  std::vector<OfClass> sums(names.size());
  for (const Prediction& one : predictions) {
    OfClass& sum = sums[static_cast<std::size_t>(one.label())];
    ++sum.images;
    sum.probability += one.probability();
  }
  fmt::print(out, "\n{:>8} {:>7} {:>17}  {}\n", "images", "share", "mean probability", "class");
  for (std::size_t c = 0; c < std::min(names.size(), kMostClasses); ++c) {
    const auto images = static_cast<double>(sums[c].images);
    const std::string mean =
        sums[c].images == 0 ? "-" : fmt::format("{:.1f}%", 100 * sums[c].probability / images);
    fmt::print(out, "{:>8} {:>6.1f}% {:>17}  {}\n", sums[c].images,
               100 * images / static_cast<double>(predictions.size()), mean, names[c]);
  }
  if (names.size() > kMostClasses) {
    fmt::print(out, "... and {} more classes\n", names.size() - kMostClasses);
  }
}

void print_to_label(std::ostream& out, const std::vector<Prediction>& predictions,
                    const std::vector<std::size_t>& order, const Names& names) {
  const std::size_t count = std::min<std::size_t>(order.size(), kListed);
  fmt::print(out,
             "\nThe classifier is least sure of these images. A person should label them first:\n");
  fmt::print(out, "{:>7}  {}\n", "margin", "file, and the two most probable classes");
  const auto name = [&](std::int32_t label) { return names[static_cast<std::size_t>(label)]; };
  for (std::size_t i = 0; i < count; ++i) {
    const Prediction& one = predictions[order[i]];
    fmt::print(out, "{:>6.1f}%  {}: {} {:.1f}% or {} {:.1f}%\n", 100 * one.margin(),
               shown(one.file), name(one.classes[0].label), 100 * one.classes[0].probability,
               name(one.classes[1].label), 100 * one.classes[1].probability);
  }
}

// Returns the predictions to check, of the `accepted` most confident ones.
std::vector<std::size_t> drawn_to_check(const std::vector<std::size_t>& confident,
                                        std::int64_t accepted, std::int64_t count) {
  const std::vector<std::int32_t> order = random_order(
      static_cast<std::size_t>(accepted), Random(0, Purpose::pairing, kCheckStream, 0));
  std::vector<std::size_t> drawn;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto place = static_cast<std::size_t>(order[static_cast<std::size_t>(i)]);
    drawn.push_back(confident[place]);
  }
  return drawn;
}

// Prints how much a person should check, and returns the predictions that were drawn for that.
std::vector<std::size_t> print_effort(std::ostream& out, const PredictSettings& s,
                                      const std::vector<Prediction>& predictions) {
  const std::vector<std::size_t> confident = by_confidence(predictions);
  const std::int64_t all = std::ssize(predictions);
  const CheckingEffort effort = checking_effort(predictions, confident, s.error_rate);
  const std::string rate = fmt::format("{:g}%", 100 * s.error_rate);
  fmt::print(out, "\nIf at most {} of the predictions may be wrong (--error-rate {:g}):\n", rate,
             s.error_rate);
  if (effort.accepted == 0) {
    fmt::print(out, "  No prediction is confident enough to be accepted unseen.\n");
  } else {
    fmt::print(
        out,
        "  {} of {} predictions may be accepted unseen, those with a probability of {:.1f}% "
        "or more.\n"
        "  To be sure, check {} of these, drawn at random{}: if all are right, at most {} of "
        "them\n  are wrong, with 95% confidence.\n",
        effort.accepted, all, 100 * effort.least_probability, effort.to_check,
        s.to_check.empty() ? " (--to-check FILE lists them)" : "", rate);
  }
  fmt::print(
      out,
      "  Or look at the {} least certain images and correct their classes: at most {} of all {} "
      "predictions\n  are then expected to be wrong.\n",
      effort.to_look_at, rate, all);
  return drawn_to_check(confident, effort.accepted, effort.to_check);
}

// Checks that the folder of the sorted images does not lie among the images: its copies would be
// predicted again, or be new training images of the run's data set.
void check_sorted_apart(const PredictSettings& s, const DataSettings& trained_on) {
  if (s.sort_into.empty()) return;
  const auto check_outside = [&](const std::string& images) {
    if (images.empty() || !is_inside(s.sort_into, images)) return;
    user_error("--sort-into ", shown(fs::path(s.sort_into)), ": lies in the folder of images ",
               shown(fs::path(images)), "; expected a folder outside of it");
  };
  std::ranges::for_each(s.images, check_outside);
  if (trained_on.dataset == "folder") check_outside(trained_on.data_dir);
}

int predict(const PredictSettings& s) {
  const ClassifierCheckpoint checkpoint = find_classifier(s.run);
  check_sorted_apart(s, settings_of(checkpoint).data);
  const Names names = class_names_of(checkpoint);
  if (!s.sort_into.empty()) {
    for (const std::string& name : names) (void)class_folder(name);
  }
  if (s.top > std::ssize(names)) {
    user_error("--top ", s.top, ": expected at most the ", names.size(), " classes");
  }
  ImageFiles files;
  BadFiles bad;
  list_usable(s, files, bad);
  const Predictor predictor(s, checkpoint);
  std::ostream& out = std::cout;
  fmt::print(out, "{}: classifier of scimix_train {}, step {}, EMA\n", shown(checkpoint.file),
             command_of(checkpoint), predictor.trained().step);
  const std::optional<double> temperature = predictor.calibrated(out);
  out.flush();
  const Found found = predictor.predict(files, bad, temperature.value_or(1.0));
  const std::vector<Prediction>& predictions = found.predictions;
  for (const std::string& note : found.notes) fmt::print(out, "note: {}\n", note);
  fmt::print(out, "{} images, {} classes\n", predictions.size(), names.size());
  print_classes(out, predictions, names);
  const std::vector<std::size_t> to_label = by_margin(predictions);
  print_to_label(out, predictions, to_label, names);
  // Without calibration nobody knows how many of the confident predictions are wrong.
  std::vector<std::size_t> to_check;
  if (temperature) to_check = print_effort(out, s, predictions);

  out << '\n';
  if (!s.out.empty()) {
    std::vector<std::size_t> order = to_label;
    std::ranges::sort(order);
    write_predictions(s.out, predictions, order, names, s.top);
    fmt::print(out, "predictions {}\n", shown(s.out));
  }
  if (!s.to_label.empty()) {
    write_to_label(s.to_label, predictions, to_label, names);
    fmt::print(out, "images to label {}: fill in the column class, then train with --labels-file\n",
               shown(s.to_label));
  }
  if (!s.to_check.empty()) {
    write_to_check(s.to_check, predictions, to_check, names);
    fmt::print(out, "predictions to check {}\n", shown(s.to_check));
  }
  if (!s.sort_into.empty()) {
    sort_images(s.sort_into, predictions, names, s.link);
    fmt::print(out, "{} of the images in class folders {}\n", s.link ? "links" : "copies",
               shown(s.sort_into));
  }
  return 0;
}

}  // namespace

int eval_predict(const std::vector<std::string>& arguments) {
  CLI::App app(
      "The class of each image, with a calibrated probability, and which images a person should "
      "label or check.",
      "scimix_eval predict");
  PredictSettings s;
  add_options(app, s);
  if (const auto done = parse(app, arguments)) return *done;
  check(s);
  return predict(s);
}

}  // namespace scimix

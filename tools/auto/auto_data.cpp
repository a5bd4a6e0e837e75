#include "tools/auto/auto_data.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "data/folder_listing.hpp"
#include "data/image_io.hpp"
#include "data/split.hpp"
#include "report/run_report.hpp"
#include "tools/auto/auto_settings.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kPicturesToLookAt = 60;

PictureSides sides_of(std::vector<std::int64_t> sides) {
  if (sides.empty()) return {};
  std::ranges::sort(sides);
  return {.smallest = sides.front(),
          .median = sides[sides.size() / 2],
          .largest = sides.back(),
          .pictures = std::ssize(sides)};
}

// Decodes pictures that are spread evenly over the folder. Pictures that cannot be read are left
// out here; whoever reads the data set reports them.
PictureSides sides_in_folder(const DataSettings& settings) {
  const DatasetOptions options = dataset_options(settings);
  FolderListing listing;
  list_image_folder(settings.data_dir,
                    {.test_fraction = options.test_fraction,
                     .seed = options.data_seed,
                     .skip_unreadable = options.skip_unreadable,
                     .no_test = options.no_test,
                     .labels_file = options.labels_file},
                    listing);
  const std::int64_t all = std::ssize(listing.files.files);
  const std::int64_t count = std::min(all, kPicturesToLookAt);
  std::vector<std::int64_t> sides;
  for (std::int64_t i = 0; i < count; ++i) {
    try {
      const Image image = read_image(listing.files.path(static_cast<std::size_t>(i * all / count)));
      sides.push_back(std::min(image.height, image.width));
    } catch (const Error&) {
      continue;
    }
  }
  return sides_of(std::move(sides));
}

std::string counted(const ClassSize& size) {
  return fmt::format("{} of {}", size.images, size.name);
}

std::string classes_line(const AutoData& data) {
  std::string line = fmt::format("labelled: {} images of {} classes", data.labeled, data.classes);
  if (data.smallest.images == data.largest.images) {
    return line + fmt::format(", {} of each", data.smallest.images);
  }
  line += fmt::format(", from {} to {}", counted(data.smallest), counted(data.largest));
  if (data.largest.images < 3 * data.smallest.images) return line;
  return line + "; the classes are imbalanced, and rare ones will be recognised less well";
}

std::string sides_line(const PictureSides& sides) {
  const std::string looked = fmt::format("({} pictures looked at)", sides.pictures);
  if (sides.smallest == sides.largest) {
    return fmt::format("picture sizes: shorter side {} pixels {}", sides.median, looked);
  }
  return fmt::format("picture sizes: shorter side {} to {} pixels, median {} {}", sides.smallest,
                     sides.largest, sides.median, looked);
}

}  // namespace

AutoData look_at_data(const DataSettings& settings, const RunInputs& inputs) {
  const Dataset& dataset = inputs.dataset;
  AutoData data{.title = data_title(settings.dataset, settings.data_dir),
                .labeled = std::ssize(inputs.split.labeled),
                .unlabeled = dataset.train.count - std::ssize(inputs.split.labeled),
                .test = dataset.test.count,
                .classes = dataset.classes(),
                .smallest = {},
                .largest = {},
                .sides = {},
                .notes = dataset.notes};
  std::vector<std::int64_t> counts(static_cast<std::size_t>(dataset.classes()));
  for (const std::int32_t index : inputs.split.labeled) {
    const std::int32_t label = dataset.train.labels[static_cast<std::size_t>(index)];
    ++counts[static_cast<std::size_t>(label)];
  }
  const auto [least, most] = std::ranges::minmax_element(counts);
  const auto sized = [&](auto at) {
    return ClassSize{dataset.class_names[static_cast<std::size_t>(at - counts.begin())], *at};
  };
  data.smallest = sized(least);
  data.largest = sized(most);
  data.sides = settings.dataset == "folder"
                   ? sides_in_folder(settings)
                   : PictureSides{dataset.train.height, dataset.train.height, dataset.train.height,
                                  dataset.train.count};
  return data;
}

std::vector<std::string> describe(const AutoData& data) {
  std::vector<std::string> lines{"data: " + data.title, classes_line(data),
                                 fmt::format("unlabelled: {} images", data.unlabeled),
                                 fmt::format("test: {} images", data.test)};
  if (data.sides.pictures > 0) lines.push_back(sides_line(data.sides));
  for (const std::string& note : data.notes) lines.push_back("note: " + note);
  return lines;
}

void check_same_pictures(const std::filesystem::path& job, const Dataset& dataset) {
  for (const char* const run : {kAutoGuide, kAutoGenerator, kAutoClassifier}) {
    const std::filesystem::path split = job / run / "split.json";
    if (is_file(split)) check_same_test_images(split, load_split(split, dataset), dataset);
  }
}

}  // namespace scimix

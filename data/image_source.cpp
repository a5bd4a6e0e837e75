#include "data/image_source.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "core/error.hpp"
#include "core/names.hpp"
#include "core/paths.hpp"
#include "data/image_files.hpp"
#include "data/image_reader.hpp"

namespace scimix {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void wrong_size(const std::string& where, std::int64_t width, std::int64_t height,
                             std::int64_t wanted) {
  user_error(where, ": ", width, "x", height, " pixels, expected ", wanted, "x", wanted,
             " (--resize brings images to size)");
}

// --- one half of a data set --------------------------------------------------------------------

constexpr std::int64_t kFewestDigits = 10;  // one of each

struct Half {
  std::string dataset;
  bool train = false;
};

// The data sets with a size of their own. Images of a "folder" are given by the folder.
std::vector<std::string> named_sets() {
  std::vector<std::string> names;
  for (const std::string& name : dataset_names()) {
    if (name != "folder") names.push_back(name);
  }
  return names;
}

// "digits:test"; nothing where `source` does not start with the name of a data set and a colon.
std::optional<Half> parse_half(const std::string& source) {
  const std::vector<std::string> names = named_sets();
  const std::size_t colon = source.find(':');
  const std::string name = source.substr(0, colon);
  if (colon == std::string::npos || std::find(names.begin(), names.end(), name) == names.end()) {
    return std::nullopt;
  }
  const std::string half = source.substr(colon + 1);
  if (half != "train" && half != "test") {
    user_error(source, ": expected ", name, ":train or ", name, ":test");
  }
  return Half{name, half == "train"};
}

ImageSource load_half(const std::string& source, const Half& half,
                      const ImageSourceOptions& options) {
  DatasetOptions wanted = options.dataset;
  wanted.size = options.resize ? options.image_size : 0;
  // The other half is not used, and neither depends on the other's size.
  (half.train ? wanted.digits_test : wanted.digits_train) = kFewestDigits;
  Dataset dataset = load_dataset(half.dataset, options.data_dir, wanted);
  ImageSource result;
  result.images = std::move(half.train ? dataset.train : dataset.test);
  result.class_names = std::move(dataset.class_names);
  result.notes = std::move(dataset.notes);
  const ImageSet& images = result.images;
  if (images.height != options.image_size || images.width != options.image_size) {
    wrong_size(source, images.width, images.height, options.image_size);
  }
  for (std::int64_t i = 0; i < images.count; ++i) result.names.push_back(std::to_string(i));
  return result;
}

// --- a folder ----------------------------------------------------------------------------------

// Fills in the names of the classes, if there are any.
void list_files(const fs::path& folder, ImageFiles& files, BadFiles& bad,
                std::vector<std::string>& classes) {
  const std::vector<FolderEntry> entries = list_folder(folder);
  const auto is_class = [](const FolderEntry& entry) { return entry.kind == PathKind::folder; };
  const auto first_folder = std::find_if(entries.begin(), entries.end(), is_class);
  if (first_folder == entries.end()) {
    files.add_folder(folder, kUnknownLabel, bad);
    return;
  }
  const auto first_file = std::find_if_not(entries.begin(), entries.end(), is_class);
  if (first_file != entries.end()) {
    user_error(shown(folder), ": holds a file, ", shown(first_file->name), ", and a folder, ",
               shown(first_folder->name), "; expected images alone, or one folder for each class");
  }
  for (const FolderEntry& entry : entries) {
    const auto label = static_cast<std::int32_t>(classes.size());
    classes.push_back(utf8_name(entry.name));
    files.add_folder(folder / entry.name, label, bad);
  }
}

ImageSource load_folder(const fs::path& folder, const ImageSourceOptions& options) {
  ImageSource result;
  ImageFiles files;
  BadFiles bad;
  list_files(folder, files, bad, result.class_names);
  ReadImages read = read_images(shown(folder), files, bad,
                                {.size = options.image_size,
                                 .resize = options.resize,
                                 .skip_unreadable = options.dataset.skip_unreadable});
  result.images = std::move(read.images);
  result.notes = std::move(read.notes);
  if (result.images.count == 0) user_error(shown(folder), ": holds no images that can be used");
  for (const std::size_t position : read.kept) {
    const fs::path name = files.path(position).lexically_relative(folder);
    result.names.push_back(utf8_name(name.generic_string()));
  }
  return result;
}

// What the user may have meant: a data set by name, but misspelt or without its half.
[[noreturn]] void unknown_source(const std::string& source) {
  const std::vector<std::string> names = named_sets();
  std::vector<std::string> halves;
  for (const std::string& name : names) {
    for (const char* half : {":train", ":test"}) halves.push_back(name + half);
  }
  user_error(shown(source), ": no such folder, nor the half of a data set (did you mean ",
             nearest_name(source, halves), "?)");
}

}  // namespace

ImageSource load_image_source(const std::string& source, const ImageSourceOptions& options) {
  SCIMIX_CHECK(options.image_size >= 1, "image size ", options.image_size);
  if (const std::optional<Half> half = parse_half(source)) {
    return load_half(source, *half, options);
  }
  if (!is_folder(source)) unknown_source(source);
  return load_folder(source, options);
}

}  // namespace scimix

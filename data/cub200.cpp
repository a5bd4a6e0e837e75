#include "data/cub200.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "data/file.hpp"
#include "data/image_files.hpp"
#include "data/image_reader.hpp"

namespace scimix {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kTrainPerClass = 15;  // of CUB-200-2010
constexpr std::size_t kMostNamed = 20;

// --- text files ----------------------------------------------------------------------------------

// A line of a list, with the place that errors name.
struct Line {
  const fs::path& file;
  int number = 0;
  std::vector<std::string> words;

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    user_error(shown(file), ":", number, ": ", parts...);
  }

  [[nodiscard]] double number_at(std::size_t at) const {
    const std::string& word = words[at];
    double value = 0;
    const char* const end = word.data() + word.size();
    const auto [stop, fault] = std::from_chars(word.data(), end, value);
    if (fault != std::errc() || stop != end || !std::isfinite(value)) {
      refuse("found ", utf8_name(word), ", expected a number");
    }
    return value;
  }

  [[nodiscard]] std::int64_t whole_at(std::size_t at, std::int64_t least, std::int64_t most) const {
    const double value = number_at(at);
    if (value != std::floor(value) || value < static_cast<double>(least) ||
        value > static_cast<double>(most)) {
      refuse("found ", utf8_name(words[at]), ", expected ", least, " to ", most);
    }
    return static_cast<std::int64_t>(value);
  }
};

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  constexpr std::string_view kSpace = " \t\r";
  for (std::size_t at = 0; (at = line.find_first_not_of(kSpace, at)) != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(kSpace, at), line.size());
    words.emplace_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

// Reads the lines of a list, each of which has `count` words. Empty lines are passed over.
std::vector<Line> read_lines(const fs::path& file, std::size_t count, std::string_view form) {
  const std::vector<std::uint8_t> bytes = read_file(file);
  std::string_view rest = text_in(bytes);
  std::vector<Line> lines;
  for (int number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    Line line{file, number, words_of(rest.substr(0, end))};
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.words.empty()) continue;
    if (line.words.size() != count) line.refuse(line.words.size(), " words, expected ", form);
    lines.push_back(std::move(line));
  }
  if (lines.empty()) user_error(shown(file), ": is empty, expected lines of ", form);
  return lines;
}

// --- names of classes and files ------------------------------------------------------------------

// Returns the number of a class folder, "017.Cardinal"; 0 where the name is none.
std::int64_t class_number(std::string_view folder) {
  const bool form = folder.size() > 4 && folder[3] == '.' &&
                    folder.substr(0, 3).find_first_not_of("0123456789") == std::string_view::npos;
  if (!form) return 0;
  return (folder[0] - '0') * 100 + (folder[1] - '0') * 10 + (folder[2] - '0');
}

std::string folder_of(const std::string& file) {
  return file.substr(0, file.find('/'));
}

// A listed image: NNN.Species/FILE. Errors (user): another form, a class that there is not.
const std::string& checked_name(const Line& line, std::size_t at, std::int64_t classes) {
  const std::string& name = line.words[at];
  const auto slash = name.find('/');
  const bool form = slash != std::string::npos && slash + 1 < name.size() &&
                    name.find('/', slash + 1) == std::string::npos && name[slash + 1] != '.';
  const std::int64_t number = form ? class_number(std::string_view(name).substr(0, slash)) : 0;
  if (number < 1 || number > classes) {
    line.refuse("found ", utf8_name(name), ", expected NNN.SPECIES/FILE with NNN from 001 to ",
                classes);
  }
  return name;
}

// --- what there is and what there should be ---

struct ListedImage {
  std::string name;  // NNN.Species/FILE
  std::int32_t label = 0;
  bool train = false;
  PixelBox box = {};
};

std::string names_text(const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNamed); ++i) {
    list += (i == 0 ? "" : ", ") + utf8_name(names[i]);
  }
  if (names.size() > kMostNamed) list += text(" and ", names.size() - kMostNamed, " more");
  return list;
}

std::string counted_files(std::size_t count) {
  return text(count, count == 1 ? " file" : " files");
}

// Returns the names NNN.Species/FILE in the folder of images. Hidden ones are passed over.
// `alone`: the folder is to hold class folders only, so that anything else is named as well.
std::vector<std::string> names_in(const fs::path& images, bool alone) {
  std::vector<std::string> names;
  for (const FolderEntry& entry : list_folder(images)) {
    if (entry.kind != PathKind::folder || class_number(entry.name) == 0) {
      if (alone) names.push_back(entry.name);
      continue;
    }
    for (const FolderEntry& file : list_folder(images / entry.name)) {
      names.push_back(entry.name + '/' + file.name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Errors (user): a name twice, files that are missing or not listed.
void check_listed(const fs::path& images, const std::string& lists,
                  const std::vector<ListedImage>& listed, std::vector<std::string> there) {
  std::vector<std::string> wanted;
  for (const ListedImage& image : listed) wanted.push_back(image.name);
  std::sort(wanted.begin(), wanted.end());
  if (const auto twice = std::adjacent_find(wanted.begin(), wanted.end()); twice != wanted.end()) {
    user_error(shown(images), ": ", utf8_name(*twice), " stands twice in ", lists);
  }
  std::vector<std::string> missing;
  std::vector<std::string> surplus;
  std::ranges::set_difference(wanted, there, std::back_inserter(missing));
  std::ranges::set_difference(there, wanted, std::back_inserter(surplus));
  std::string message;
  if (!missing.empty()) {
    message = text(counted_files(missing.size()), " of ", lists,
                   missing.size() == 1 ? " is" : " are", " missing: ", names_text(missing));
  }
  if (!surplus.empty()) {
    message +=
        text(message.empty() ? "" : "; ", counted_files(surplus.size()),
             surplus.size() == 1 ? " is" : " are", " not in ", lists, ": ", names_text(surplus));
  }
  if (!message.empty()) user_error(shown(images), ": ", message);
}

// Errors (user): classes without an image, or one number for two folders.
std::vector<std::string> class_names(const fs::path& images, const std::vector<ListedImage>& listed,
                                     std::int64_t classes) {
  std::vector<std::string> names(static_cast<std::size_t>(classes));
  for (const ListedImage& image : listed) {
    const std::string folder = folder_of(image.name);
    std::string& name = names[static_cast<std::size_t>(class_number(folder) - 1)];
    if (name.empty()) name = folder;
    if (name != folder) {
      user_error(shown(images), ": two folders of one class, ", utf8_name(name), " and ",
                 utf8_name(folder));
    }
  }
  const auto none = std::find(names.begin(), names.end(), "");
  if (none != names.end()) {
    user_error(shown(images), ": no images of class ", none - names.begin() + 1, ", expected ",
               classes, " classes");
  }
  for (std::string& name : names) name = utf8_name(name.substr(4));
  return names;
}

ImageSet read_half(const fs::path& images, const std::vector<ListedImage>& listed, bool train,
                   const CubOptions& options, std::vector<std::string>& notes) {
  ImageFiles files;
  ReadOptions reading{.size = options.size,
                      .resize = true,
                      .skip_unreadable = options.skip_unreadable,
                      .boxes = {}};
  std::map<std::string, std::uint32_t> folders;
  for (const ListedImage& image : listed) {
    if (image.train != train) continue;
    const std::string folder = folder_of(image.name);
    const auto [at, is_new] =
        folders.try_emplace(folder, static_cast<std::uint32_t>(files.folders.size()));
    if (is_new) files.folders.push_back(images / folder);
    files.files.push_back({at->second, image.name.substr(folder.size() + 1), image.label});
    if (options.bounding_box) reading.boxes.push_back(image.box);
  }
  BadFiles bad;
  ReadImages read = read_images(shown(images), files, bad, reading);
  notes.insert(notes.end(), read.notes.begin(), read.notes.end());
  check_images(read.images, options.classes,
               shown(images) + (train ? ", training images" : ", test images"));
  return std::move(read.images);
}

Dataset read_listed(const std::string& name, const fs::path& images,
                    const std::vector<ListedImage>& listed, const CubOptions& options) {
  SCIMIX_CHECK(options.size >= 1, "images of ", options.size, " pixels");
  Dataset dataset;
  dataset.name = name;
  dataset.class_names = class_names(images, listed, options.classes);
  dataset.train = read_half(images, listed, true, options, dataset.notes);
  dataset.test = read_half(images, listed, false, options, dataset.notes);
  dataset.file_notes = dataset.notes.size();
  // Images may have been left out (--skip-unreadable).
  const std::vector<std::int64_t> counts = class_counts(dataset.train, dataset.classes());
  const auto none = std::ranges::find(counts, 0);
  if (none != counts.end()) {
    user_error(shown(images), ": class ",
               dataset.class_names[static_cast<std::size_t>(none - counts.begin())],
               " has no training image that can be used");
  }
  return dataset;
}

// --- 2010 ----------------------------------------------------------------------------------------

bool has_class_folder(const fs::path& folder) {
  if (!is_folder(folder)) return false;
  return std::ranges::any_of(list_folder(folder), [](const FolderEntry& entry) {
    return entry.kind == PathKind::folder && class_number(entry.name) == 1;
  });
}

// Where the class folders are, and the folder of the data set.
struct Place2010 {
  fs::path root;
  fs::path images;
};

Place2010 find_2010(const fs::path& dir) {
  (void)path_kind(dir);  // says why, where the folder cannot be looked at
  for (const fs::path& root : {dir, dir / "cub-200-2010", dir / "CUB_200_2010"}) {
    for (const fs::path& images : {root / "images", root}) {
      if (has_class_folder(images)) return {root, images};
    }
  }
  user_error(shown(dir), ": no folder 001.* there, in images/ or in cub-200-2010/, expected ",
             "CUB-200-2010");
}

std::vector<ListedImage> listed_2010(const Place2010& place, const CubOptions& options) {
  std::vector<ListedImage> listed;
  for (const bool train : {true, false}) {
    const fs::path file = place.root / "lists" / (train ? "train.txt" : "test.txt");
    for (const Line& line : read_lines(file, 1, "NNN.SPECIES/FILE")) {
      const std::string& name = checked_name(line, 0, options.classes);
      const std::int64_t label = class_number(folder_of(name)) - 1;
      listed.push_back({name, static_cast<std::int32_t>(label), train});
    }
  }
  check_listed(place.images, "lists/train.txt and lists/test.txt", listed,
               names_in(place.images, place.images != place.root));
  return listed;
}

// The split that is stated in load_cub_2010, for want of the official one.
std::vector<ListedImage> unlisted_2010(const Place2010& place, const CubOptions& options) {
  BadFiles bad;
  ImageFiles files;
  for (const FolderEntry& entry : list_folder(place.images)) {
    const std::int64_t number = class_number(entry.name);
    if (entry.kind != PathKind::folder || number == 0) continue;
    files.add_folder(place.images / entry.name, static_cast<std::int32_t>(number - 1), bad);
  }
  const auto count = static_cast<std::int64_t>(files.files.size());
  bad.report(shown(place.images), count + bad.count());
  if (std::ssize(files.folders) != options.classes || count != options.images) {
    user_error(shown(place.images), ": ", count, " images in ", files.folders.size(),
               " class folders, expected the ", options.images, " in ", options.classes,
               " of CUB-200-2010, or the lists lists/train.txt and lists/test.txt");
  }
  std::vector<ListedImage> listed;
  std::vector<std::size_t> seen(files.folders.size());
  for (const ImageFiles::File& file : files.files) {
    const std::string folder = files.folders[file.folder].filename().string();
    listed.push_back({folder + '/' + file.name, file.label, seen[file.folder]++ < kTrainPerClass});
  }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (seen[i] > kTrainPerClass) continue;
    user_error(shown(files.folders[i]), ": ", seen[i], " images, expected more than the ",
               kTrainPerClass, " that are for training");
  }
  return listed;
}

// --- 2011 ----------------------------------------------------------------------------------------

fs::path find_2011(const fs::path& dir) {
  (void)path_kind(dir);
  for (const fs::path& root : {dir, dir / "CUB_200_2011", dir / "cub-200-2011"}) {
    if (is_file(root / "images.txt")) return root;
  }
  user_error(shown(dir), ": no images.txt there or in CUB_200_2011/, expected CUB-200-2011");
}

// The images by their numbers, as the other lists name them.
class ImagesById {
 public:
  ImagesById(const fs::path& file, std::int64_t classes) {
    for (const Line& line : read_lines(file, 2, "ID NNN.SPECIES/FILE")) {
      const std::string& name = checked_name(line, 1, classes);
      const std::int64_t label = class_number(folder_of(name)) - 1;
      if (!positions_.try_emplace(id_of(line), images_.size()).second) {
        line.refuse("image ", id_of(line), " for a second time");
      }
      images_.push_back({name, static_cast<std::int32_t>(label)});
    }
  }

  // Calls f(line, image) for each line of a list that has a line for each image. Errors (user): an
  // image that images.txt does not have, one without a line, one with two.
  template <class F>
  void each(const fs::path& file, std::size_t words, std::string_view form, F f) {
    std::vector<bool> seen(images_.size());
    for (const Line& line : read_lines(file, words, form)) {
      const auto found = positions_.find(id_of(line));
      if (found == positions_.end()) line.refuse("image ", id_of(line), " is not in images.txt");
      if (seen[found->second]) line.refuse("image ", id_of(line), " for a second time");
      seen[found->second] = true;
      f(line, images_[found->second]);
    }
    const auto none = std::find(seen.begin(), seen.end(), false);
    if (none == seen.end()) return;
    user_error(shown(file), ": no line for ",
               utf8_name(images_[static_cast<std::size_t>(none - seen.begin())].name),
               ", which is in images.txt");
  }

  [[nodiscard]] std::vector<ListedImage> take() && { return std::move(images_); }

 private:
  static std::int64_t id_of(const Line& line) { return line.whole_at(0, 0, 1'000'000'000); }

  std::vector<ListedImage> images_;
  std::map<std::int64_t, std::size_t> positions_;
};

std::vector<ListedImage> listed_2011(const fs::path& root, const CubOptions& options) {
  ImagesById images(root / "images.txt", options.classes);
  images.each(root / "image_class_labels.txt", 2, "ID CLASS",
              [&](const Line& line, const ListedImage& image) {
                const std::int64_t number = line.whole_at(1, 1, options.classes);
                if (number == image.label + 1) return;
                line.refuse("class ", number, " for ", utf8_name(image.name), ", expected ",
                            image.label + 1, " as its folder says");
              });
  images.each(root / "train_test_split.txt", 2, "ID 0|1", [](const Line& line, ListedImage& image) {
    image.train = line.whole_at(1, 0, 1) != 0;
  });
  if (options.bounding_box) {
    images.each(
        root / "bounding_boxes.txt", 5, "ID X Y WIDTH HEIGHT",
        [](const Line& line, ListedImage& image) {
          image.box = {line.number_at(1), line.number_at(2), line.number_at(3), line.number_at(4)};
          if (image.box.width < 1 || image.box.height < 1) {
            line.refuse("a box of ", image.box.width, "x", image.box.height,
                        " pixels, expected at least 1x1");
          }
        });
  }
  return std::move(images).take();
}

}  // namespace

Dataset load_cub_2010(const fs::path& dir, const CubOptions& options) {
  if (options.bounding_box) {
    user_error(
        "--bounding-box true: CUB-200-2010 is read without its boxes, expected the data set ",
        "cub-200-2011");
  }
  const Place2010 place = find_2010(dir);
  const bool train = is_file(place.root / "lists/train.txt");
  const bool test = is_file(place.root / "lists/test.txt");
  if (train != test) {
    user_error(shown(place.root), ": has lists/", train ? "train" : "test", ".txt, but no lists/",
               train ? "test" : "train", ".txt, expected both or none");
  }
  Dataset dataset =
      read_listed("cub-200-2010", place.images,
                  train ? listed_2010(place, options) : unlisted_2010(place, options), options);
  if (!train) {
    dataset.notes.push_back(
        text("the official lists (lists/train.txt, lists/test.txt) are not ", "there: the first ",
             kTrainPerClass, " images of each class, by name, are for training (",
             dataset.train.count, "), the others for testing (", dataset.test.count, ")"));
  }
  return dataset;
}

Dataset load_cub_2011(const fs::path& dir, const CubOptions& options) {
  const fs::path root = find_2011(dir);
  const std::vector<ListedImage> listed = listed_2011(root, options);
  check_listed(root / "images", "images.txt", listed, names_in(root / "images", /*alone=*/true));
  return read_listed("cub-200-2011", root / "images", listed, options);
}

}  // namespace scimix

#include "data/folder_listing.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/error.hpp"
#include "core/names.hpp"
#include "core/paths.hpp"
#include "data/labels_file.hpp"

namespace scimix {
namespace {

namespace fs = std::filesystem;

using Names = std::vector<std::string>;

// Returns the folder of a layout that `name` was probably meant to be, or nothing. Such a name
// differs from that of the folder in upper and lower case alone, or by one letter from one of the
// two long names ("unlabelled"). One letter more or less in "train" or "test" gives other words:
// "rain" and "text" may be classes.
std::string_view meant_folder(std::string_view name) {
  struct Folder {
    std::string_view name;
    int most_changes;
  };
  constexpr std::array<Folder, 4> kFolders = {
      {{"labeled", 1}, {"unlabeled", 1}, {"train", 0}, {"test", 0}}};
  if (std::ranges::find(kFolders, name, &Folder::name) != kFolders.end()) return {};
  for (const Folder& folder : kFolders) {
    if (edit_distance(name, folder.name) <= folder.most_changes) return folder.name;
  }
  return {};
}

// Checks that `dir` has no folder whose name was probably meant to be that of a layout. Its images
// would become a class, or be ignored.
void refuse_misspelt_folder(const fs::path& dir) {
  for (const FolderEntry& entry : list_folder(dir)) {
    if (entry.kind != PathKind::folder) continue;
    const std::string_view meant = meant_folder(entry.name);
    if (meant.empty()) continue;
    user_error(shown(dir / entry.name), ": probably meant to be ", meant,
               "/; expected a folder for each class, or train/ and test/, or labeled/ and ",
               "unlabeled/");
  }
}

// Checks that `dir` holds no pictures, and no folders but those called `names`, which may be
// missing. Other files, such as a README or a table of predictions, are ignored.
void require_only(const fs::path& dir, std::span<const std::string> names) {
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) list += i + 1 == names.size() ? " and " : ", ";
    list += names[i] + "/";
  }
  BadFiles bad;
  const std::vector<FolderEntry> entries = list_folder(dir);
  for (const FolderEntry& entry : entries) {
    const fs::path path = dir / entry.name;
    if (entry.kind == PathKind::missing) (void)path_kind(path);  // says why
    if (std::ranges::find(names, entry.name) != names.end()) {
      require_folder(path);
    } else if (const std::string_view meant = meant_folder(entry.name); !meant.empty()) {
      bad.add(text(shown(path), ": probably meant to be ", meant, "/"));
    } else if (entry.kind != PathKind::file || has_image_name(entry.name)) {
      bad.add(text(shown(path), ": expected only ", list, " here"));
    }
  }
  bad.report(shown(dir), static_cast<std::int64_t>(entries.size()), "entries");
}

// Returns the names of the folders in `folder`. Files join `bad`.
Names class_folders(const fs::path& folder, BadFiles& bad) {
  Names names;
  for (FolderEntry& entry : list_folder(folder)) {
    const fs::path path = folder / entry.name;
    if (entry.kind == PathKind::missing) (void)path_kind(path);  // says why
    if (entry.kind != PathKind::folder) {
      bad.add(text(shown(path), ": expected only folders here, one for each class"));
      continue;
    }
    names.push_back(std::move(entry.name));
  }
  return names;
}

// The names of classes as text. `names` are those of folders in byte order.
Names as_text(const fs::path& dir, const Names& names) {
  Names result;
  for (const std::string& name : names) result.push_back(utf8_name(name));
  Names sorted = result;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    user_error(shown(dir), ": two folders are both written ", *twice, ", expected different names");
  }
  return result;
}

// Takes the class folders of `folder` as classes, and lists their images if `with_images` is set.
void list_classes(const fs::path& folder, bool with_images, FolderListing& listing) {
  const Names names = class_folders(folder, listing.bad);
  listing.class_names = as_text(folder, names);
  for (std::size_t c = 0; c < names.size(); ++c) {
    const fs::path path = folder / names[c];
    listing.wheres.push_back(shown(path));
    if (with_images) listing.files.add_folder(path, static_cast<std::int32_t>(c), listing.bad);
  }
}

// The folders of test/ are some of the classes. `classes_from` says where those were found.
void list_test(const fs::path& test, const std::string& classes_from, FolderListing& listing) {
  const Names& names = listing.class_names;
  require_folder(test);
  listing.first_test = listing.files.files.size();
  std::unordered_map<std::string, std::int32_t> numbers;
  for (const std::string& name : names) {
    numbers.emplace(name, static_cast<std::int32_t>(numbers.size()));
  }
  for (const std::string& name : class_folders(test, listing.bad)) {
    const auto found = numbers.find(utf8_name(name));
    if (found == numbers.end()) {
      user_error(shown(test / name), ": there is no such class in ", classes_from);
    }
    listing.files.add_folder(test / name, found->second, listing.bad);
  }
  if (listing.files.files.size() == *listing.first_test && listing.bad.count() == 0) {
    user_error(shown(test), ": holds no images");
  }
}

// Found before the images are read. Where files are bad, it may be by their fault: the user hears
// of those first.
void require_two_each(const FolderListing& listing) {
  if (listing.bad.count() > 0) return;
  std::vector<std::size_t> counts(listing.wheres.size());
  for (const ImageFiles::File& file : listing.files.files) {
    if (file.label != kUnknownLabel) ++counts[static_cast<std::size_t>(file.label)];
  }
  for (std::size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] < 2) too_few_to_hold_out(listing.wheres[c], counts[c]);
  }
}

// Ends a listing without test images: a share of each class will be held out, or none.
void without_test_set(const std::string& why, const FolderOptions& options,
                      FolderListing& listing) {
  if (options.no_test) {
    listing.first_test = listing.files.files.size();
  } else if (options.test_only) {
    listing.first_test = 0;
  } else {
    listing.no_test_set = why;
    require_two_each(listing);
  }
}

// Checks that a folder test/ has a folder for each class. Its pictures would otherwise become a
// class, or training images.
void check_test_folder(const fs::path& dir) {
  const fs::path test = dir / "test";
  if (!is_folder(test) || is_test_set(test)) return;
  user_error(shown(test), ": has no folder for each class; expected test/CLASS/*, or another name ",
             "for a folder that is no test set");
}

// Returns the name of the folder of labelled images in `dir`: "labeled" or "train", or "" if there
// is none. Errors (user): both.
std::string labeled_folder(const fs::path& dir) {
  const bool labeled = is_folder(dir / "labeled");
  const bool train = is_folder(dir / "train");
  if (labeled && train) {
    user_error(shown(dir),
               ": has labeled/ and train/, expected the labelled images in one of them");
  }
  return labeled ? "labeled" : train ? "train" : "";
}

// dir/labeled/ or dir/train/, and dir/unlabeled/.
void list_with_unlabeled(const fs::path& dir, const FolderOptions& options,
                         FolderListing& listing) {
  const std::string labeled = labeled_folder(dir);
  if (labeled.empty()) {
    refuse_misspelt_folder(dir);
    user_error(shown(dir), ": has unlabeled/, but no labelled images: expected them in ",
               shown(dir / "labeled"), ", in a folder for each class");
  }
  require_only(dir, Names{labeled, "unlabeled", "test"});
  const fs::path known = dir / labeled;
  const bool test = !options.no_test && is_folder(dir / "test");
  list_classes(known, !(test && options.test_only), listing);
  const fs::path unlabeled = dir / "unlabeled";
  if (is_folder(unlabeled) && !options.test_only) {
    const std::size_t before = listing.files.files.size();
    listing.files.add_tree(unlabeled, kUnknownLabel, listing.bad);
    listing.unlabeled = static_cast<std::int64_t>(listing.files.files.size() - before);
    if (listing.unlabeled == 0 && listing.bad.count() == 0) {
      user_error(shown(unlabeled), ": holds no images");
    }
  }
  if (test) {
    list_test(dir / "test", shown(known), listing);
  } else {
    without_test_set("there is no folder test/", options, listing);
  }
}

void list_by_labels_file(const fs::path& dir, const FolderOptions& options,
                         FolderListing& listing) {
  const fs::path& csv = options.labels_file;
  std::vector<FileId> passed_over{file_id(csv)};
  const bool test = is_test_set(dir / "test");
  if (test) passed_over.push_back(file_id(dir / "test"));
  // The images that a person has sorted keep their classes.
  const std::string sorted = has_unlabeled_layout(dir) ? labeled_folder(dir) : std::string();
  if (sorted.empty()) {
    listing.files.add_tree(dir, kUnknownLabel, listing.bad, passed_over);
  } else {
    require_only(dir, Names{sorted, "unlabeled", "test"});
    for (const fs::path& part : {dir / sorted, dir / "unlabeled"}) {
      if (!is_folder(part)) continue;
      listing.files.add_tree(part, kUnknownLabel, listing.bad, passed_over);
    }
  }
  listing.class_names = apply_labels_file(csv, dir, sorted, listing.files);
  const std::string where = shown(csv) + (sorted.empty() ? "" : text(" and ", shown(dir / sorted)));
  for (const std::string& name : listing.class_names) {
    listing.wheres.push_back(text(where, ", class ", name));
  }
  if (options.test_only) {
    std::erase_if(listing.files.files,
                  [](const ImageFiles::File& file) { return file.label == kUnknownLabel; });
  }
  listing.unlabeled =
      std::ranges::count(listing.files.files, kUnknownLabel, &ImageFiles::File::label);
  if (test && !options.no_test) {
    list_test(dir / "test", shown(csv), listing);
  } else {
    without_test_set("there is no folder test/", options, listing);
  }
}

// A folder without unlabelled images.
void list_classes_alone(const fs::path& dir, const FolderOptions& options, FolderListing& listing) {
  const Names halves{"train", "test"};
  if (is_folder(dir / "train")) {
    require_only(dir, halves);
    const bool test = !options.no_test && is_folder(dir / "test");
    list_classes(dir / "train", !(test && options.test_only), listing);
    if (test) return list_test(dir / "test", shown(dir / "train"), listing);
    return without_test_set("there is no folder test/", options, listing);
  }
  if (is_test_set(dir / "test")) {
    if (!options.test_only) {
      refuse_misspelt_folder(dir);
      user_error(shown(dir),
                 ": has test/, but no train/: expected both, or a folder for each class");
    }
    require_only(dir, halves);
    listing.first_test = 0;
    return list_classes(dir / "test", /*with_images=*/true, listing);
  }
  refuse_misspelt_folder(dir);
  list_classes(dir, /*with_images=*/true, listing);
  without_test_set("there are no folders train/ and test/", options, listing);
}

}  // namespace

void list_image_folder(const fs::path& dir, const FolderOptions& options, FolderListing& listing) {
  check_test_folder(dir);
  if (!options.labels_file.empty()) {
    list_by_labels_file(dir, options, listing);
  } else if (has_unlabeled_layout(dir)) {
    list_with_unlabeled(dir, options, listing);
  } else {
    list_classes_alone(dir, options, listing);
  }
  // A trained classifier can be tested on images of one of its classes.
  const std::size_t least = options.test_only ? 1 : 2;
  if (listing.class_names.size() < least) {
    user_error(shown(dir), ": ", listing.class_names.size(), " class folders, expected at least ",
               least);
  }
}

bool is_test_set(const fs::path& folder) {
  if (!is_folder(folder)) return false;
  const std::vector<FolderEntry> entries = list_folder(folder);
  return std::any_of(entries.begin(), entries.end(),
                     [](const FolderEntry& entry) { return entry.kind == PathKind::folder; });
}

bool has_unlabeled_layout(const fs::path& dir) {
  // A folder of images alone is a class that is called "labeled".
  return is_folder(dir / "unlabeled") || is_test_set(dir / "labeled");
}

void too_few_to_hold_out(const std::string& where, std::size_t images) {
  user_error(where, ": holds ", images, images == 1 ? " image" : " images",
             ", expected at least 2: one to train, one to test");
}

}  // namespace scimix

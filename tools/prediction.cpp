#include "tools/prediction.hpp"

#include <fmt/format.h>

#include <set>
#include <system_error>

#include "core/atomic_file.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"
#include "data/csv.hpp"
#include "tools/result_folder.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

const std::string& name_of(std::int32_t label, std::span<const std::string> class_names) {
  return class_names[static_cast<std::size_t>(label)];
}

void write_file(const fs::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

// Returns "a.png", "a-2.png", "a-3.png" ..., the first that is not in `taken`, and adds it.
fs::path free_name(const fs::path& name, std::set<fs::path>& taken) {
  fs::path candidate = name;
  for (int number = 2; !taken.insert(candidate).second; ++number) {
    candidate = name.stem();
    candidate += fmt::format("-{}", number);
    candidate += name.extension();
  }
  return candidate;
}

}  // namespace

void write_predictions(const fs::path& csv, std::span<const Prediction> predictions,
                       std::span<const std::size_t> order, std::span<const std::string> class_names,
                       std::int64_t top) {
  std::string text = kPredictionsMark;
  for (std::int64_t i = 2; i <= top; ++i) text += fmt::format(",class_{},probability_{}", i, i);
  text += '\n';
  for (const std::size_t at : order) {
    const Prediction& one = predictions[at];
    text +=
        fmt::format("{},{},{:.6f},{:.6f}", csv_field(one.file.native()),
                    csv_field(name_of(one.label(), class_names)), one.probability(), one.margin());
    for (std::size_t i = 1; i < static_cast<std::size_t>(top); ++i) {
      text += fmt::format(",{},{:.6f}", csv_field(name_of(one.classes[i].label, class_names)),
                          one.classes[i].probability);
    }
    text += '\n';
  }
  write_file(csv, text);
}

void write_to_label(const fs::path& csv, std::span<const Prediction> predictions,
                    std::span<const std::size_t> order, std::span<const std::string> class_names) {
  std::string text = "file,class,guess,probability,margin\n";
  for (const std::size_t at : order) {
    const Prediction& one = predictions[at];
    text +=
        fmt::format("{},,{},{:.6f},{:.6f}\n", csv_field(one.file.native()),
                    csv_field(name_of(one.label(), class_names)), one.probability(), one.margin());
  }
  write_file(csv, text);
}

void sort_images(const fs::path& dir, std::span<const Prediction> predictions,
                 std::span<const std::string> class_names, bool link) {
  ResultFolder folder(dir);
  std::vector<std::set<fs::path>> taken(class_names.size());
  for (const Prediction& one : predictions) {
    const fs::path of_class = folder.path() / class_folder(name_of(one.label(), class_names));
    std::set<fs::path>& names = taken[static_cast<std::size_t>(one.label())];
    if (names.empty()) make_folder(of_class);
    const fs::path to = of_class / free_name(one.file.filename(), names);
    std::error_code error;
    if (link) {
      fs::create_symlink(absolute_path(one.file), to, error);
    } else {
      fs::copy_file(one.file, to, fs::copy_options::none, error);
    }
    if (error) {
      user_error(shown(one.file), ": cannot be ", link ? "linked" : "copied", " to ", shown(dir),
                 ": ", error.message());
    }
  }
  folder.commit();
}

}  // namespace scimix

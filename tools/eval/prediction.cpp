#include "tools/eval/prediction.hpp"

#include <fmt/format.h>

#include <string>
#include <system_error>
#include <unordered_map>
#include <unordered_set>

#include "core/atomic_file.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"
#include "data/csv.hpp"
#include "tools/command_line/result_folder.hpp"

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

// Writes a CSV file in which a person fills in a column. `columns` returns the second and third
// column of a prediction, of which one is empty.
template <class Columns>
void write_for_person(const fs::path& csv, const std::string& heading,
                      std::span<const Prediction> predictions, std::span<const std::size_t> order,
                      Columns columns) {
  std::string text = heading + "\n";
  for (const std::size_t at : order) {
    const Prediction& one = predictions[at];
    text += fmt::format("{},{},{:.6f},{:.6f}\n", csv_field(one.file), columns(one),
                        one.probability(), one.margin());
  }
  write_file(csv, text);
}

constexpr std::size_t kLongestName = 255;       // of a file, in bytes
constexpr std::size_t kLongestExtension = 100;  // of a name whose extension is kept

// Returns the longest start of `text` that has at most `bytes` bytes and ends between two
// characters, if the text is UTF-8.
std::string start_of(const std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  // A character has at most three bytes behind its first one. A longer row of such bytes is not
  // UTF-8.
  std::size_t end = bytes;
  while (end > 0 && bytes - end < 3 && continues(end)) --end;
  return text.substr(0, continues(end) ? bytes : end);
}

// Returns "STEM-NUMBER.EXTENSION" for the name "STEM.EXTENSION". A stem that would make the name
// too long for a file system is shortened.
fs::path numbered(const fs::path& name, std::int64_t number) {
  std::string stem = name.stem().native();
  std::string end = fmt::format("-{}", number);
  const std::string extension = name.extension().native();
  if (extension.size() <= kLongestExtension) {
    end += extension;
  } else {
    stem += extension;
  }
  return start_of(stem, kLongestName - end.size()) + end;
}

// The names of files in one folder.
class TakenNames {
 public:
  // Returns "a.png", "a-2.png", "a-3.png" ..., the first that is not taken, and takes it.
  fs::path take(const fs::path& name) {
    fs::path candidate = name;
    // All numbers below the last one that was found are taken.
    for (std::int64_t& number = next_.try_emplace(name.native(), 2).first->second;
         !taken_.insert(candidate.native()).second; ++number) {
      candidate = numbered(name, number);
    }
    return candidate;
  }
  [[nodiscard]] bool empty() const { return taken_.empty(); }

 private:
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, std::int64_t> next_;  // by name: the number to try first
};

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
        fmt::format("{},{},{:.6f},{:.6f}", csv_field(one.file),
                    csv_field(name_of(one.label(), class_names)), one.probability(), one.margin());
    for (std::size_t i = 1; i < static_cast<std::size_t>(top); ++i) {
      text += fmt::format(",{},{:.6f}", csv_field(name_of(one.classes[i].label, class_names)),
                          one.classes[i].probability);
    }
    text += '\n';
  }
  write_file(csv, text);
}

void write_to_check(const fs::path& csv, std::span<const Prediction> predictions,
                    std::span<const std::size_t> order, std::span<const std::string> class_names) {
  write_for_person(
      csv, "file,class,checked,probability,margin", predictions, order,
      [&](const Prediction& one) { return csv_field(name_of(one.label(), class_names)) + ","; });
}

void write_to_label(const fs::path& csv, std::span<const Prediction> predictions,
                    std::span<const std::size_t> order, std::span<const std::string> class_names) {
  write_for_person(
      csv, "file,class,guess,probability,margin", predictions, order,
      [&](const Prediction& one) { return "," + csv_field(name_of(one.label(), class_names)); });
}

void sort_images(const fs::path& dir, std::span<const Prediction> predictions,
                 std::span<const std::string> class_names, bool link) {
  ResultFolder folder(dir);
  std::vector<TakenNames> taken(class_names.size());
  for (const Prediction& one : predictions) {
    const fs::path of_class = folder.path() / class_folder(name_of(one.label(), class_names));
    TakenNames& names = taken[static_cast<std::size_t>(one.label())];
    if (names.empty()) make_folder(of_class);
    const fs::path to = of_class / names.take(fs::path(one.file).filename());
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

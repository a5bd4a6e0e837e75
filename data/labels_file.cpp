#include "data/labels_file.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "data/csv.hpp"
#include "data/file.hpp"

namespace scimix {
namespace {

namespace fs = std::filesystem;

// The rows that cannot be used, in the order in which they are found.
class BadRows {
 public:
  void add(std::int64_t line, const std::string& message) {
    if (messages_.size() < kMostShown) messages_.push_back(text("line ", line, ": ", message));
    ++count_;
  }

  void report(const fs::path& csv) const {
    if (count_ == 0) return;
    if (count_ == 1) user_error(shown(csv), ", ", messages_.front());
    std::string list = text(shown(csv), ": ", count_, " rows cannot be used:");
    for (const std::string& message : messages_) list += "\n  " + message;
    const std::size_t rest = count_ - messages_.size();
    if (rest > 0) list += text("\n  and ", rest, " more");
    user_error(list);
  }

 private:
  static constexpr std::size_t kMostShown = 20;

  std::size_t count_ = 0;
  std::vector<std::string> messages_;
};

struct LabelRow {
  std::int64_t line = 0;
  std::string class_name;  // empty: unlabelled
  bool found = false;      // among the images
};

using LabelRows = std::unordered_map<std::string, LabelRow>;  // by file name

std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The positions of the columns, and how many columns every row has.
struct Columns {
  std::size_t file = 0;
  std::size_t class_name = 1;
  std::size_t count = 2;
};

bool is_heading(const CsvRow& row) {
  return !has_image_name(trimmed(row.fields[0]));
}

Columns columns_of(const CsvRow& heading, const std::string& where) {
  Columns columns{.count = heading.fields.size()};
  if (columns.count == 2) return columns;
  const auto find = [&](const char* name) {
    const auto has_name = [&](const std::string& f) { return lower_case(trimmed(f)) == name; };
    const auto found = std::ranges::find_if(heading.fields, has_name);
    if (found == heading.fields.end()) {
      user_error(where, ", line ", heading.line, ": ", columns.count, " columns, none called ",
                 name, "; expected a file name and a class, or a heading with file and class");
    }
    return static_cast<std::size_t>(found - heading.fields.begin());
  };
  columns.file = find("file");
  columns.class_name = find("class");
  return columns;
}

// Returns the name relative to `dir`.
std::string relative_name(const std::string& written, const fs::path& dir) {
  fs::path path(written);
  std::error_code ignored;
  const bool is_here = !path.is_absolute() && !fs::exists(dir / path, ignored);
  if (is_here && fs::exists(path, ignored)) path = absolute_path(path);
  if (path.is_absolute()) path = path.lexically_relative(absolute_path(dir).lexically_normal());
  return path.lexically_normal().generic_string();
}

LabelRows read_rows(const fs::path& csv, const fs::path& dir, BadRows& bad) {
  const std::vector<std::uint8_t> bytes = read_file(csv);
  std::vector<CsvRow> rows =
      parse_csv({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, shown(csv));
  Columns columns;
  if (!rows.empty() && is_heading(rows.front())) {
    columns = columns_of(rows.front(), shown(csv));
    rows.erase(rows.begin());
  }
  LabelRows labels;
  for (const CsvRow& row : rows) {
    if (row.fields.size() != columns.count) {
      bad.add(row.line, text(row.fields.size(), row.fields.size() == 1 ? " column" : " columns",
                             ", expected ", columns.count, ": a file name, a comma, a class"));
      continue;
    }
    const std::string& file = row.fields[columns.file];
    const auto [place, is_new] = labels.try_emplace(relative_name(file, dir));
    if (!is_new) {
      bad.add(row.line, text(shown(file), ": has a row already, line ", place->second.line));
      continue;
    }
    place->second = {.line = row.line,
                     .class_name = utf8_name(trimmed(row.fields[columns.class_name]))};
  }
  return labels;
}

// Returns the rows in the order of their lines.
std::vector<LabelRows::value_type*> in_order(LabelRows& labels) {
  std::vector<LabelRows::value_type*> rows;
  for (LabelRows::value_type& row : labels) rows.push_back(&row);
  std::ranges::sort(rows, {}, [](const auto* row) { return row->second.line; });
  return rows;
}

// Returns the classes in byte order.
std::vector<std::string> classes_of(LabelRows& labels, BadRows& bad) {
  struct Spelling {
    std::string name;
    std::int64_t line;
  };
  std::map<std::string, Spelling> first_spelling;  // by the name in lower case
  std::set<std::string> names;
  for (const auto* row : in_order(labels)) {
    const LabelRow& label = row->second;
    if (label.class_name.empty() || !names.insert(label.class_name).second) continue;
    const auto [first, is_new] = first_spelling.try_emplace(lower_case(label.class_name),
                                                            Spelling{label.class_name, label.line});
    if (is_new) continue;
    bad.add(label.line, text("class ", label.class_name, ": is spelt ", first->second.name,
                             " in line ", first->second.line, ", expected one spelling"));
  }
  return {names.begin(), names.end()};
}

void assign(LabelRows& labels, const std::vector<std::string>& classes, const fs::path& dir,
            ImageFiles& files) {
  std::vector<std::string> prefixes;
  for (const fs::path& folder : files.folders) {
    const std::string name = folder.lexically_relative(dir).generic_string();
    prefixes.push_back(name == "." ? "" : name + "/");
  }
  for (ImageFiles::File& file : files.files) {
    const auto row = labels.find(prefixes[file.folder] + file.name);
    if (row == labels.end()) continue;
    row->second.found = true;
    const std::string& name = row->second.class_name;
    if (name.empty()) continue;
    const auto place = std::ranges::lower_bound(classes, name);
    file.label = static_cast<std::int32_t>(place - classes.begin());
  }
  std::ranges::stable_sort(files.files, {}, [](const ImageFiles::File& file) {
    return static_cast<std::uint32_t>(file.label);  // kUnknownLabel is the largest
  });
}

}  // namespace

std::vector<std::string> apply_labels_file(const fs::path& csv, const fs::path& dir,
                                           ImageFiles& files) {
  BadRows bad;
  LabelRows labels = read_rows(csv, dir, bad);
  std::vector<std::string> classes = classes_of(labels, bad);
  assign(labels, classes, dir, files);
  for (const auto* row : in_order(labels)) {
    if (row->second.found) continue;
    bad.add(row->second.line, text(shown(row->first), ": no such image in ", shown(dir)));
  }
  bad.report(csv);
  if (classes.empty()) user_error(shown(csv), ": labels no image");
  if (classes.size() == 1) {
    user_error(shown(csv), ": has one class, ", classes[0], ", expected at least 2");
  }
  return classes;
}

}  // namespace scimix

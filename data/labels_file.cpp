#include "data/labels_file.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string_view>
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

// Checks that the file is not in UTF-16, which some spreadsheet programs write. Every other byte of
// ASCII text is zero there.
void check_encoding(std::string_view content, const std::string& where) {
  if (content.starts_with("\xFF\xFE") || content.starts_with("\xFE\xFF")) {
    user_error(where, ": is written in UTF-16, expected UTF-8");
  }
  const std::string_view first_line = content.substr(0, content.find('\n'));
  if (first_line.find('\0') != std::string_view::npos) {
    user_error(where, ": has bytes of value 0 in its first line, as in UTF-16; expected UTF-8");
  }
}

// Refuses columns separated by semicolons or tabs, which would be read as one column.
void check_separator(const CsvRow& first, const std::string& where) {
  if (first.fields.size() > 1) return;
  const std::string& field = first.fields[0];
  const auto separator = field.find_first_of(";\t");
  if (separator == std::string::npos) return;
  user_error(where, ", line ", first.line, ": columns separated by ",
             field[separator] == ';' ? "semicolons" : "tabs", ", expected commas");
}

// The positions of the columns, and how many columns every row has.
struct Columns {
  std::size_t file = 0;
  std::size_t class_name = 1;
  std::size_t count = 2;
  std::string expected = "2: a file name, a comma, a class";  // for messages
};

bool has_column_name(const std::string& field, std::string_view name) {
  return lower_case(trimmed(field)) == name;
}

// Returns whether the first row is a heading: it names at least one of the two columns. Any other
// first row is read like the other rows, since a typo in a file name must not drop a label
// silently.
bool is_heading(const CsvRow& row) {
  const auto names_column = [](const std::string& field) {
    return has_column_name(field, "file") || has_column_name(field, "class");
  };
  return !has_image_name(trimmed(row.fields[0])) && std::ranges::any_of(row.fields, names_column);
}

// Returns what to add to a message about a first row that was perhaps meant as a heading.
const char* heading_hint(std::int64_t line, const std::string& file) {
  const bool may_be_heading = line == 1 && !has_image_name(trimmed(file));
  return may_be_heading ? "; a heading names the columns file and class" : "";
}

Columns columns_of(const CsvRow& heading, const std::string& where) {
  const std::size_t count = heading.fields.size();
  const auto find = [&](const char* name) {
    const auto has_name = [&](const std::string& field) { return has_column_name(field, name); };
    const auto found = std::ranges::find_if(heading.fields, has_name);
    if (found == heading.fields.end()) {
      user_error(where, ", line ", heading.line, ": the heading has no column called ", name,
                 ", expected the columns file and class");
    }
    return static_cast<std::size_t>(found - heading.fields.begin());
  };
  return {.file = find("file"),
          .class_name = find("class"),
          .count = count,
          .expected = text(count, ", as in the heading")};
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
  const std::string where = shown(csv);
  const std::vector<std::uint8_t> bytes = read_file(csv);
  const std::string_view content(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  check_encoding(content, where);
  std::vector<CsvRow> rows = parse_csv(content, where);
  if (!rows.empty()) check_separator(rows.front(), where);
  Columns columns;
  if (!rows.empty() && is_heading(rows.front())) {
    columns = columns_of(rows.front(), where);
    rows.erase(rows.begin());
  }
  LabelRows labels;
  for (const CsvRow& row : rows) {
    if (row.fields.size() != columns.count) {
      bad.add(row.line,
              text(row.fields.size(), row.fields.size() == 1 ? " column" : " columns",
                   ", expected ", columns.expected, heading_hint(row.line, row.fields[0])));
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
    bad.add(row->second.line, text(shown(row->first), ": no such image in ", shown(dir),
                                   heading_hint(row->second.line, row->first)));
  }
  bad.report(csv);
  if (classes.empty()) user_error(shown(csv), ": labels no image");
  if (classes.size() == 1) {
    user_error(shown(csv), ": has one class, ", classes[0], ", expected at least 2");
  }
  return classes;
}

}  // namespace scimix

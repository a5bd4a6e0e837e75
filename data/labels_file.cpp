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
    if (messages_.size() < kMostShown) messages_.push_back(text(place(line), ": ", message));
    ++count_;
  }

  static std::string place(std::int64_t line) {
    return line == 0 ? "a class folder" : text("line ", line);
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
  std::int64_t line = 0;   // 0: no row of the file, but a class folder
  std::string class_name;  // empty: unlabelled
  std::string written;     // the image's name as the row has it
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

LabelRows read_rows(const fs::path& csv, const fs::path& dir, BadRows& bad) {
  const std::string where = shown(csv);
  const std::vector<std::uint8_t> bytes = read_file(csv);
  const std::string_view content = text_in(bytes);
  check_encoding(content, where);
  std::vector<CsvRow> rows = parse_csv(content, where);
  if (!rows.empty()) check_separator(rows.front(), where);
  Columns columns;
  if (!rows.empty() && is_heading(rows.front())) {
    columns = columns_of(rows.front(), where);
    rows.erase(rows.begin());
  }
  LabelRows labels;
  NamesInFolder names(dir, csv);
  for (const CsvRow& row : rows) {
    if (row.fields.size() != columns.count) {
      bad.add(row.line,
              text(row.fields.size(), row.fields.size() == 1 ? " column" : " columns",
                   ", expected ", columns.expected, heading_hint(row.line, row.fields[0])));
      continue;
    }
    const std::string& file = row.fields[columns.file];
    const auto [place, is_new] = labels.try_emplace(names.name_of(file));
    if (!is_new) {
      bad.add(row.line, text(shown(file), ": has a row already, line ", place->second.line));
      continue;
    }
    place->second = {.line = row.line,
                     .class_name = utf8_name(trimmed(row.fields[columns.class_name])),
                     .written = file};
  }
  return labels;
}

// Returns the rows in the order of their lines, and of their names within a line.
std::vector<LabelRows::value_type*> in_order(LabelRows& labels) {
  std::vector<LabelRows::value_type*> rows;
  for (LabelRows::value_type& row : labels) rows.push_back(&row);
  std::ranges::sort(rows, {}, [](const auto* row) {
    return std::pair(row->second.line, std::string_view(row->first));
  });
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
    bad.add(label.line, text("class ", label.class_name, ": is spelt ", first->second.name, " in ",
                             BadRows::place(first->second.line), ", expected one spelling"));
  }
  return {names.begin(), names.end()};
}

// Returns for each folder of `files` its name relative to `dir`, which ends with a slash unless it
// is empty.
std::vector<std::string> folder_names(const fs::path& dir, const ImageFiles& files) {
  std::vector<std::string> names;
  for (const fs::path& folder : files.folders) {
    const std::string name = folder.lexically_relative(dir).generic_string();
    names.push_back(name == "." ? "" : name + "/");
  }
  return names;
}

// Gives each image below dir/sorted/CLASS that has no row, or a row without a class, this class.
void add_class_folders(const std::string& sorted, const std::vector<std::string>& folders,
                       const ImageFiles& files, LabelRows& labels) {
  const std::string prefix = sorted + "/";
  for (const ImageFiles::File& file : files.files) {
    const std::string& folder = folders[file.folder];
    if (!folder.starts_with(prefix) || folder.size() == prefix.size()) continue;
    const std::size_t end = folder.find('/', prefix.size());
    const std::string name = utf8_name(folder.substr(prefix.size(), end - prefix.size()));
    LabelRow& row = labels[folder + file.name];
    if (row.class_name.empty()) row.class_name = name;
  }
}

void assign(LabelRows& labels, const std::vector<std::string>& classes,
            const std::vector<std::string>& folders, ImageFiles& files) {
  for (ImageFiles::File& file : files.files) {
    const auto row = labels.find(folders[file.folder] + file.name);
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

// Returns whether a relative path leads out of the folder to which it is relative.
bool is_outside(const fs::path& path) {
  const fs::path normal = path.lexically_normal();
  return !normal.empty() && *normal.begin() == "..";
}

}  // namespace

NamesInFolder::NamesInFolder(const fs::path& dir, const fs::path& csv)
    : dir_(dir), whole_(absolute_path(dir)), beside_(parent_folder(absolute_path(csv))) {}

std::string NamesInFolder::name_of(const std::string& written) {
  const fs::path path(written);
  if (path.is_absolute()) return name_of_absolute(path);
  std::error_code ignored;
  if (fs::exists(dir_ / path, ignored)) {
    if (!is_outside(path)) return path.lexically_normal().generic_string();
    return name_of_absolute(whole_ / path);
  }
  if (fs::exists(path, ignored)) return name_of_absolute(absolute_path(path));
  if (fs::exists(beside_ / path, ignored)) return name_of_absolute(beside_ / path);
  return path.lexically_normal().generic_string();
}

std::string NamesInFolder::name_of_absolute(const fs::path& path) {
  const fs::path inside = path.lexically_normal().lexically_relative(whole_.lexically_normal());
  if (!is_outside(inside)) return inside.generic_string();
  const fs::path folder = path.parent_path();
  const auto [known, is_new] = folders_.try_emplace(folder.native());
  if (is_new) known->second = place_of(folder);
  return known->second ? (*known->second / path.filename()).lexically_normal().generic_string()
                       : inside.generic_string();
}

// Returns where a folder is below the folder of the images, if a part of its path is that folder
// under another name; nothing if none is.
std::optional<fs::path> NamesInFolder::place_of(const fs::path& folder) const {
  fs::path rest;
  for (fs::path part = folder;; part = part.parent_path()) {
    std::error_code unknown;
    if (fs::equivalent(part, whole_, unknown) && !is_outside(rest)) return rest;
    if (part == part.parent_path()) return std::nullopt;
    rest = rest.empty() ? part.filename() : part.filename() / rest;
  }
}

std::vector<std::string> apply_labels_file(const fs::path& csv, const fs::path& dir,
                                           const std::string& sorted, ImageFiles& files) {
  BadRows bad;
  LabelRows labels = read_rows(csv, dir, bad);
  const std::vector<std::string> folders = folder_names(dir, files);
  if (!sorted.empty()) add_class_folders(sorted, folders, files, labels);
  std::vector<std::string> classes = classes_of(labels, bad);
  assign(labels, classes, folders, files);
  for (const auto* row : in_order(labels)) {
    if (row->second.found) continue;
    const LabelRow& label = row->second;
    bad.add(label.line, text(shown(label.written), ": no such image in ", shown(dir),
                             heading_hint(label.line, label.written)));
  }
  bad.report(csv);
  if (classes.empty()) user_error(shown(csv), ": labels no image");
  if (classes.size() == 1) {
    user_error(shown(csv), ": has one class, ", classes[0], ", expected at least 2");
  }
  return classes;
}

}  // namespace scimix

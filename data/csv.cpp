#include "data/csv.hpp"

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "data/file.hpp"

namespace scimix {
namespace {

class Parser {
 public:
  Parser(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  std::vector<CsvRow> rows() {
    std::vector<CsvRow> rows;
    while (at_ < text_.size()) {
      CsvRow row = next_row();
      if (row.fields.size() > 1 || !row.fields[0].empty()) rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  [[nodiscard]] bool has(char c) const { return at_ < text_.size() && text_[at_] == c; }

  [[nodiscard]] bool at_line_end() const { return at_ >= text_.size() || has('\n') || has('\r'); }

  CsvRow next_row() {
    CsvRow row{.line = line_, .fields = {next_field()}};
    while (has(',')) {
      ++at_;
      row.fields.push_back(next_field());
    }
    pass_line_end();
    ++line_;
    return row;
  }

  // Passes over one line end: LF, CR, or CR LF with any number of CR, as a file has that was
  // converted twice.
  void pass_line_end() {
    const std::size_t behind = std::min(text_.find_first_not_of('\r', at_), text_.size());
    if (behind < text_.size() && text_[behind] == '\n') {
      at_ = behind + 1;
    } else if (at_ < text_.size()) {
      ++at_;
    }
  }

  // Returns the first position from `from` on that holds neither a space nor a tab.
  [[nodiscard]] std::size_t behind_blanks(std::size_t from) const {
    return std::min(text_.find_first_not_of(" \t", from), text_.size());
  }

  std::string next_field() {
    const std::size_t first = at_;
    at_ = behind_blanks(first);
    if (has('"')) return quoted_field();
    at_ = first;  // blanks are part of a field without quotes
    while (!at_line_end() && !has(',')) ++at_;
    return std::string(text_.substr(first, at_ - first));
  }

  std::string quoted_field() {
    const std::int64_t first_line = line_;
    std::string field;
    for (++at_;; ++at_) {
      if (at_ >= text_.size()) {
        user_error(where_, ":", first_line, ": a double quote is not closed");
      }
      if (has('"')) {
        ++at_;
        if (!has('"')) break;
      }
      if (has('\n') || (has('\r') && text_.substr(at_, 2) != "\r\n")) ++line_;
      field += text_[at_];
    }
    at_ = behind_blanks(at_);
    if (!has(',') && !at_line_end()) {
      user_error(where_, ":", line_, ": text behind a closing double quote, expected a comma");
    }
    return field;
  }

  std::string_view text_;
  const std::string& where_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
};

}  // namespace

std::vector<CsvRow> parse_csv(std::string_view text, const std::string& where) {
  return Parser(without_byte_order_mark(text), where).rows();
}

std::string csv_field(std::string_view field) {
  const bool plain = field.find_first_of(",\"\r\n") == std::string_view::npos &&
                     !field.starts_with(' ') && !field.ends_with(' ');
  if (plain) return std::string(field);
  std::string quoted = "\"";
  for (const char c : field) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace scimix

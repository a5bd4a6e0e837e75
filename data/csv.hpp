// Tables in the CSV format of RFC 4180.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace scimix {

struct CsvRow {
  std::int64_t line = 0;  // in which the row begins, from 1
  std::vector<std::string> fields;
};

// Splits a table into rows and fields. Fields are separated by commas, and rows by LF, CRLF or CR.
// A field in double quotes may contain commas, line breaks and doubled quotes; spaces and tabs
// around the quotes are passed over. A byte order mark at the start and empty lines are passed
// over, too. Errors (user), starting with `where` and the line: a quote that is not closed, text
// behind a closing quote.
[[nodiscard]] std::vector<CsvRow> parse_csv(std::string_view text, const std::string& where);

// Returns the text of a field, in double quotes where it needs them.
[[nodiscard]] std::string csv_field(std::string_view field);

}  // namespace scimix

// Reads a list of tables (settings/table_list.hpp) from text.
#pragma once

#include <string>

#include "settings/table_list.hpp"
#include "temp_folder.hpp"

namespace scimix::test {

// Returns the list that `text` describes. Messages name the file t.toml, in a temporary folder.
inline TableList table_list_of(const std::string& text) {
  const TempFolder dir;
  write_bytes(dir / "t.toml", text);
  return read_table_list(dir / "t.toml");
}

}  // namespace scimix::test

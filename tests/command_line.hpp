// Command lines as lists of words, and what most tests of programs do with them.
#pragma once

#include <string>
#include <vector>

#include "program.hpp"

namespace scimix::test {

using Words = std::vector<std::string>;

inline Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Runs scimix_train, which must succeed.
inline ProgramResult train(const Words& arguments) {
  ProgramResult result = run_program("scimix_train", arguments);
  CAPTURE(result.error);
  REQUIRE(result.exit_code == 0);
  return result;
}

[[nodiscard]] inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace scimix::test

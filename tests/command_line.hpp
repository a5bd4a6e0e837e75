// Command lines as lists of words, and what most tests of programs do with them.
#pragma once

#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "program.hpp"

namespace scimix::test {

using Words = std::vector<std::string>;

inline Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Splits a command line at its spaces: words_of("--depth 10 --width 1").
inline Words words_of(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), std::istream_iterator<std::string>()};
}

// Runs scimix_train, which must succeed.
inline ProgramResult train(const Words& arguments) {
  return run_to_success("scimix_train", arguments);
}

}  // namespace scimix::test

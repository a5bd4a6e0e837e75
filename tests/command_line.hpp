// Command lines as lists of words, and what most tests of programs do with them.
#pragma once

#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
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

// Runs scimix_train, which trains in the folder `run`, and kills it once there is a checkpoint of
// at least `steps` steps to go on from: at a moment that falls anywhere in a step.
inline void train_until_killed(const Words& arguments, const std::filesystem::path& run,
                               int steps) {
  const TempFolder streams;
  const Program program(streams, "scimix_train", arguments);
  program.wait_for_checkpoint(run, steps);
  program.signal(SIGKILL);
  REQUIRE(program.wait().exit_code == -SIGKILL);
}

}  // namespace scimix::test

// Cases that only run in a process of their own, since they end it or need it fresh: another case
// starts the test program with SCIMIX_PLANTED set and reads what it prints.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "emulated/testing.hpp"
#include "program.hpp"

namespace scimix::test {

// True where a planted case must not run.
inline bool not_planted() {
  return std::getenv("SCIMIX_PLANTED") == nullptr;
}

using Environment = std::vector<std::pair<std::string, std::string>>;

// Sets variables while it lives.
class WithEnvironment {
 public:
  explicit WithEnvironment(Environment variables) : variables_(std::move(variables)) {
    for (const auto& [name, value] : variables_) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~WithEnvironment() {
    for (const auto& [name, value] : variables_) ::unsetenv(name.c_str());
  }
  WithEnvironment(const WithEnvironment&) = delete;
  WithEnvironment& operator=(const WithEnvironment&) = delete;

 private:
  Environment variables_;
};

// Runs the case "planted: NAME".
inline ProgramResult run_planted(const std::string& name, Environment variables = {}) {
  variables.emplace_back("SCIMIX_PLANTED", "1");
  const WithEnvironment environment(std::move(variables));
  return run_program("scimix_tests", {"--test-case=planted: " + name});
}

// Leaves no fault behind for the next case.
struct NoFaults {
  NoFaults() { emulated::clear_faults(); }
  ~NoFaults() { emulated::clear_faults(); }
  NoFaults(const NoFaults&) = delete;
  NoFaults& operator=(const NoFaults&) = delete;
};

inline bool fault_has(const std::string& words) {
  return emulated::last_fault().find(words) != std::string::npos;
}

}  // namespace scimix::test

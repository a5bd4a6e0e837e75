// Runs a function and returns the message of the user's error that it ends in.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "core/error.hpp"

namespace scimix::test {

// Returns the message of the user's error that f throws, or "" if it throws none.
template <class F>
std::string user_error_or_none(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::user);
    return error.what();
  }
  return {};
}

// Returns the message of the user's error that f must end in. It may have several lines: a list.
template <class F>
std::string user_error_list_of(F&& f) {
  const std::string message = user_error_or_none(f);
  if (message.empty()) FAIL_CHECK("no error was thrown");
  return message;
}

// Returns the message of the user's error that f must end in. It has to be one line.
template <class F>
std::string user_error_of(F&& f) {
  const std::string message = user_error_list_of(f);
  CHECK(message.find('\n') == std::string::npos);
  return message;
}

}  // namespace scimix::test

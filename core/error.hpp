// The project's only exception type, and the two ways to throw it.
//
// `user_error` reports a user's mistake, such as a wrong option or a broken file. Its message is
// one line that says what was wrong, where, and what was expected. Programs print it and end with
// exit code 2. `SCIMIX_CHECK` reports a bug, such as an impossible shape. Its message has the
// source line. Programs print it and end with exit code 70.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace scimix {

enum class Fault { user, bug };

class Error : public std::runtime_error {
 public:
  Error(Fault fault, const std::string& message) : std::runtime_error(message), fault_(fault) {}
  [[nodiscard]] Fault fault() const { return fault_; }

 private:
  Fault fault_;
};

// Concatenates its arguments as `<<` prints them. This header does not use fmt, because kernels
// include it and nvcc can't compile fmt. Other files call fmt::format themselves.
template <class... Parts>
[[nodiscard]] std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

// Throws Error{Fault::user}. The message is one line without a trailing full stop or newline:
//   user_error(path, ": X has ", rank, " dimensions, expected 32x32x3xN");
template <class... Parts>
[[noreturn]] void user_error(const Parts&... parts) {
  throw Error(Fault::user, text(parts...));
}

// Throws Error{Fault::bug} with "message [condition] at file:line".
[[noreturn]] void throw_bug(const char* file, int line, const char* condition,
                            const std::string& message);

// Throws Error{Fault::bug} if the condition is false. The remaining arguments form the message, for
// example "conv2d_fprop: x has 3 channels [x.dim(3) == w.dim(3)] at kernels/conv/conv.cpp:12".
#define SCIMIX_CHECK(condition, ...)                                                    \
  do {                                                                                  \
    if (!(condition)) [[unlikely]] {                                                    \
      ::scimix::throw_bug(__FILE__, __LINE__, #condition, ::scimix::text(__VA_ARGS__)); \
    }                                                                                   \
  } while (false)

// Defines a checker for a C library whose calls return a status. A failed call throws
// Error{Fault::bug} with the call, the library's description of the status and the source line.
// `describe` maps a status to a C string.
//   #define SCIMIX_CUDA(call) SCIMIX_CHECK_STATUS("CUDA", call, cudaSuccess, cudaGetErrorString)
#define SCIMIX_CHECK_STATUS(library, call, success, describe)                           \
  do {                                                                                  \
    const auto scimix_status = (call);                                                  \
    if (scimix_status != (success)) [[unlikely]] {                                      \
      ::scimix::throw_bug(__FILE__, __LINE__, #call,                                    \
                          std::string(library " error: ") + (describe)(scimix_status)); \
    }                                                                                   \
  } while (false)

}  // namespace scimix

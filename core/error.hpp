// The one exception type, and the two ways to throw it.
//
// A user's mistake (a wrong option, a broken file) is `user_error`: one line that says what was
// wrong, where, and what was expected. Programs print it and leave with exit code 2.
// A bug (an impossible shape, a broken invariant) is `SCIMIX_CHECK`: it carries the source line.
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

// Joins its arguments into one string, each as `<<` prints it. Kernels include this header too, and
// nvcc does not digest fmt: files that need real formatting call fmt::format themselves.
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

// "conv2d_fprop: nope [x == y] at kernels/conv/conv.cpp:12" is what a failed check reads like.
#define SCIMIX_CHECK(condition, ...)                                                    \
  do {                                                                                  \
    if (!(condition)) [[unlikely]] {                                                    \
      ::scimix::throw_bug(__FILE__, __LINE__, #condition, ::scimix::text(__VA_ARGS__)); \
    }                                                                                   \
  } while (false)

// Makes one checker per C library whose calls return a status: the call, the library's own words
// for the status, and the source line. `describe` maps a status to a C string.
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

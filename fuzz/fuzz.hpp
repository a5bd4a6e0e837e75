// What the fuzzing programs share.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>

#include "core/error.hpp"

namespace scimix::fuzz {

using Bytes = std::span<const std::uint8_t>;

// Ends the program as a crash that libFuzzer reports, with the input that led to it.
[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

inline void require(bool condition, const char* what) {
  if (!condition) fail(what);
}

// Runs a reader. It may refuse the input with a user_error of one line; anything else that it
// throws is a fault.
template <class F>
void run(F&& read) {
  try {
    read();
  } catch (const Error& error) {
    require(error.fault() == Fault::user, error.what());
    require(std::strpbrk(error.what(), "\n\r") == nullptr, "a message of more than one line");
    require(*error.what() != '\0', "an empty message");
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

// A file in memory that always has the same path.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("input", MFD_CLOEXEC)) {
    require(descriptor_ >= 0, "memfd_create");
    path_ = "/proc/self/fd/" + std::to_string(descriptor_);
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  const std::filesystem::path& put(Bytes bytes) {
    require(::ftruncate(descriptor_, 0) == 0, "ftruncate");
    const auto size = static_cast<ssize_t>(bytes.size());
    require(::pwrite(descriptor_, bytes.data(), bytes.size(), 0) == size, "pwrite");
    return path_;
  }

 private:
  int descriptor_;
  std::filesystem::path path_;
};

}  // namespace scimix::fuzz

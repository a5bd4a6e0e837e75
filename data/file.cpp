#include "data/file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>

#include "core/error.hpp"

namespace scimix {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

}  // namespace

std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) user_error(path.string(), ": no such file");
  if (!std::filesystem::is_regular_file(status)) user_error(path.string(), ": not a file");
  const auto size = std::filesystem::file_size(path, error);
  const File file(std::fopen(path.c_str(), "rb"));
  if (error || !file) user_error(path.string(), ": cannot be read: ", std::strerror(errno));
  std::vector<std::uint8_t> bytes(size);
  const std::size_t got = std::fread(bytes.data(), 1, bytes.size(), file.get());
  if (got != bytes.size()) {
    user_error(path.string(), ": read ", got, " bytes, expected ", bytes.size());
  }
  return bytes;
}

}  // namespace scimix

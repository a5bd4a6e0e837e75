// Whole files in. (Writing is core/atomic_file.hpp.)
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace scimix {

// Returns the bytes of a regular file. Errors (user): missing, a folder, unreadable, larger than
// memory.
[[nodiscard]] std::vector<std::uint8_t> read_file(const std::filesystem::path& path);

// As read_file, but also reads a pipe or a device, such as /dev/null, to its end. Waits until the
// other side of the pipe closes it. Errors (user): those of read_file; more than 16 MiB.
[[nodiscard]] std::vector<std::uint8_t> read_file_or_stream(const std::filesystem::path& path);

// Returns the text without the byte order mark of UTF-8 at its start, if it has one.
[[nodiscard]] std::string_view without_byte_order_mark(std::string_view text);

// Returns the bytes of a text file as characters, without the byte order mark of UTF-8 that some
// editors write at its start. `bytes` must outlive the result.
[[nodiscard]] std::string_view text_in(std::span<const std::uint8_t> bytes);

}  // namespace scimix

// What the tests of data/ share: files, the real data, and looking at errors and notes.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "data/image_io.hpp"
#include "tests/skip.hpp"
#include "tests/temp_folder.hpp"  // IWYU pragma: export
#include "tests/user_errors.hpp"  // IWYU pragma: export

namespace scimix::test {

inline void write_bytes(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  REQUIRE(out.good());
}

inline void write_text(const std::filesystem::path& path, const std::string& content) {
  write_bytes(path, {reinterpret_cast<const std::uint8_t*>(content.data()), content.size()});
}

inline std::vector<std::uint8_t> bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), {}};
}

// A PNG file in which every byte has the same value.
inline void write_plain(const std::filesystem::path& path, int value, std::int64_t height = 8,
                        std::int64_t width = 8) {
  std::filesystem::create_directories(path.parent_path());
  const auto size = static_cast<std::size_t>(height * width * 3);
  write_png(path,
            {height, width, std::vector<std::uint8_t>(size, static_cast<std::uint8_t>(value))});
}

// Returns the first byte of each image. It tells images of one grey level apart.
inline std::vector<int> grey_levels(const ImageSet& images) {
  std::vector<int> levels;
  for (std::int64_t i = 0; i < images.count; ++i) levels.push_back(images.image(i)[0]);
  return levels;
}

// Returns whether a note of the data set contains `part`; otherwise prints all of its notes.
inline bool has_note(const Dataset& dataset, const std::string& part) {
  for (const std::string& note : dataset.notes) {
    if (note.find(part) != std::string::npos) return true;
  }
  for (const std::string& note : dataset.notes) MESSAGE(note);
  return false;
}

inline bool contains(const std::string& text, const std::string& part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("'" << text << "' lacks '" << part << "'");
  return found;
}

// $SCIMIX_TEST_DATA/`part`, or nothing, with a visible word, where there is none.
inline std::optional<std::filesystem::path> real_data(const std::string& part) {
  const char* root = std::getenv("SCIMIX_TEST_DATA");
  const std::filesystem::path path = std::filesystem::path(root == nullptr ? "" : root) / part;
  if (root != nullptr && std::filesystem::exists(path)) return path;
  skip_check("no " + part + " in the folder that SCIMIX_TEST_DATA names");
  return std::nullopt;
}

}  // namespace scimix::test

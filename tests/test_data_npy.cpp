#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "core/dtype.hpp"
#include "data/npy.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

using test::read_bytes;
using test::TempFolder;
using test::user_error_of;

// A file taken apart by the published format: numpy/lib/format.py, "Format Version 1.0".
struct Parsed {
  std::string dictionary;  // without padding
  std::string records;
};

Parsed parse(const std::string& file) {
  REQUIRE(file.size() > 10);
  CHECK(file.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(file[i]); };
  const std::size_t length = byte(8) + 256U * byte(9);
  REQUIRE(file.size() >= 10 + length);
  CHECK((10 + length) % 64 == 0);
  const std::string header = file.substr(10, length);
  const std::size_t end = header.find_last_of('}');
  REQUIRE(end != std::string::npos);
  CHECK(header.substr(end + 1) == std::string(length - end - 2, ' ') + "\n");
  return {header.substr(0, end + 1), file.substr(10 + length)};
}

std::string hex(const std::string& bytes) {
  const char* digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {digits[byte >> 4U], digits[byte & 15U]};
  }
  return text;
}

}  // namespace

// Dictionary and records are what numpy 2.4.6 saves for the same array (its padding is longer).
TEST_CASE("npy: records of three fields are numpy's bytes") {
  const TempFolder folder;
  std::vector<std::uint8_t> images;
  for (std::uint8_t i = 0; i < 12; ++i) images.push_back(i);
  const std::vector<std::int32_t> labels = {-1, 258};
  const std::vector<float> scales = {0.5F, -2, 3, 1, 2, 4};
  const std::vector<NpyField> fields = {npy_field("image", {2, 1, 3}, images),
                                        npy_field("label", {}, labels),
                                        npy_field("scale", {3}, scales)};
  write_npy(folder / "a.npy", 2, fields);
  const Parsed parsed = parse(read_bytes(folder / "a.npy"));
  CHECK(parsed.dictionary ==
        "{'descr': [('image', '|u1', (2, 1, 3)), ('label', '<i4'), ('scale', '<f4', (3,))], "
        "'fortran_order': False, 'shape': (2,), }");
  CHECK(hex(parsed.records) ==
        "000102030405ffffffff0000003f000000c000004040060708090a0b020100000000803f0000004000008040");
  CHECK(folder.count() == 1);
}

TEST_CASE("npy: no records, and every length of header") {
  const TempFolder folder;
  const std::vector<double> nothing;
  write_npy(folder / "none.npy", 0, std::vector{npy_field("x", {}, nothing)});
  const Parsed empty = parse(read_bytes(folder / "none.npy"));
  CHECK(empty.dictionary == "{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (0,), }");
  CHECK(empty.records.empty());
  const std::vector<double> one = {1};
  for (std::size_t length = 1; length <= 64; ++length) {
    write_npy(folder / "a.npy", 1, std::vector{npy_field(std::string(length, 'n'), {1}, one)});
    CHECK(hex(parse(read_bytes(folder / "a.npy")).records) == "000000000000f03f");
  }
}

TEST_CASE("npy: more records than are written at once") {
  const TempFolder folder;
  constexpr std::int32_t kCount = 700;  // of 3,004 bytes: two buffers
  std::vector<std::uint8_t> images;
  std::vector<std::int32_t> numbers;
  for (std::int32_t i = 0; i < kCount; ++i) {
    images.insert(images.end(), 3000, static_cast<std::uint8_t>(i % 251));
    numbers.push_back(i);
  }
  write_npy(folder / "a.npy", kCount,
            std::vector{npy_field("number", {}, numbers), npy_field("image", {3000}, images)});
  const std::string records = parse(read_bytes(folder / "a.npy")).records;
  REQUIRE(records.size() == kCount * 3004UL);
  int wrong = 0;
  for (std::int32_t i = 0; i < kCount; ++i) {
    const std::string record = records.substr(static_cast<std::size_t>(i) * 3004, 3004);
    const auto low = static_cast<char>(i % 256);
    const auto high = static_cast<char>(i / 256);
    if (record.substr(0, 4) != std::string{low, high, 0, 0}) ++wrong;
    if (record.substr(4) != std::string(3000, static_cast<char>(i % 251))) ++wrong;
  }
  CHECK(wrong == 0);
}

TEST_CASE("npy: what cannot be written leaves the old file") {
  const TempFolder folder;
  const std::vector<std::int32_t> two = {1, 2};
  const auto path = folder / "a.npy";
  const auto write = [&](std::int64_t count, const std::vector<NpyField>& fields) {
    write_npy(path, count, fields);
  };
  write(2, {npy_field("x", {}, two)});
  const std::string before = read_bytes(path);
  CHECK_THROWS_AS(write(3, {npy_field("x", {}, two)}), Error);
  CHECK_THROWS_AS(write(2, {npy_field("x", {2}, two)}), Error);
  CHECK_THROWS_AS(write(2, {}), Error);
  CHECK_THROWS_AS(write(2, {npy_field("x", {}, two), npy_field("x", {}, two)}), Error);
  CHECK_THROWS_AS(write(2, {npy_field("it's", {}, two)}), Error);
  CHECK_THROWS_AS(write(2, {npy_field("", {}, two)}), Error);
  CHECK_THROWS_AS(write(2, {npy_field("x", {}, std::vector<bf16>(2))}), Error);
  CHECK(read_bytes(path) == before);
  CHECK(folder.count() == 1);
  CHECK(test::contains(user_error_of([&] {
                         write_npy(folder / "none" / "a.npy", 2,
                                   std::vector{npy_field("x", {}, two)});
                       }),
                       "a.npy"));
}

}  // namespace scimix

#include <doctest/doctest.h>
#include <matio.h>
#include <zlib.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/svhn.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

using test::contains;
using test::TempFolder;
using test::user_error_of;

namespace fs = std::filesystem;

struct Writer {
  explicit Writer(const fs::path& path, mat_ft version = MAT_FT_MAT5)
      : mat(Mat_CreateVer(path.c_str(), nullptr, version), Mat_Close) {
    REQUIRE(mat != nullptr);
  }

  template <class T>
  void add(const char* name, matio_classes class_type, matio_types type, std::vector<T> data,
           std::vector<std::size_t> dims, matio_compression compression) {
    const std::unique_ptr<matvar_t, decltype(&Mat_VarFree)> variable(
        Mat_VarCreate(name, class_type, type, static_cast<int>(dims.size()), dims.data(),
                      data.data(), 0),
        Mat_VarFree);
    REQUIRE(variable != nullptr);
    REQUIRE(Mat_VarWrite(mat.get(), variable.get(), compression) == 0);
  }

  void add_x(std::vector<std::size_t> dims, matio_compression compression) {
    std::size_t count = 1;
    for (const std::size_t d : dims) count *= d;
    std::vector<std::uint8_t> x(count);
    for (std::size_t i = 0; i < count; ++i) x[i] = value(i);
    add("X", MAT_C_UINT8, MAT_T_UINT8, x, std::move(dims), compression);
  }

  // Something that no permutation of the axes leaves as it is.
  static std::uint8_t value(std::size_t i) {
    return static_cast<std::uint8_t>(i * 7 + i / 256 * 13);
  }

  std::unique_ptr<mat_t, decltype(&Mat_Close)> mat;
};

template <class T>
void write_svhn(const fs::path& path, matio_classes class_type, matio_types type,
                std::vector<T> labels, matio_compression compression) {
  fs::create_directories(path.parent_path());
  Writer writer(path);
  const std::size_t n = labels.size();
  writer.add_x({32, 32, 3, n}, compression);
  writer.add("y", class_type, type, std::move(labels), {n, 1}, compression);
}

std::string error_of(const fs::path& path) {
  return user_error_of([&] { (void)read_svhn_file(path); });
}

void check_small(const fs::path& path) {
  const ImageSet images = read_svhn_file(path);
  CHECK(images.count == 3);
  CHECK(images.height == 32);
  CHECK(images.width == 32);
  CHECK(images.labels == std::vector<std::int32_t>{1, 0, 9});
  int wrong = 0;
  for (std::size_t n = 0; n < 3; ++n) {
    for (std::size_t row = 0; row < 32; ++row) {
      for (std::size_t col = 0; col < 32; ++col) {
        for (std::size_t c = 0; c < 3; ++c) {
          const auto got = images.pixels[((n * 32 + row) * 32 + col) * 3 + c];
          if (got != Writer::value(row + 32 * col + 1024 * c + 3072 * n)) ++wrong;
        }
      }
    }
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("SVHN: column-major planes become pixels, 10 becomes 0, labels of any number type") {
  const TempFolder dir;
  const fs::path path = dir.path() / "a.mat";
  for (const auto compression : {MAT_COMPRESSION_NONE, MAT_COMPRESSION_ZLIB}) {
    write_svhn<std::uint8_t>(path, MAT_C_UINT8, MAT_T_UINT8, {1, 10, 9}, compression);
    check_small(path);
    write_svhn<double>(path, MAT_C_DOUBLE, MAT_T_DOUBLE, {1, 10, 9}, compression);
    check_small(path);
    write_svhn<float>(path, MAT_C_SINGLE, MAT_T_SINGLE, {1, 10, 9}, compression);
    check_small(path);
    write_svhn<std::int32_t>(path, MAT_C_INT32, MAT_T_INT32, {1, 10, 9}, compression);
    check_small(path);
    write_svhn<std::uint16_t>(path, MAT_C_UINT16, MAT_T_UINT16, {1, 10, 9}, compression);
    check_small(path);
    write_svhn<std::int64_t>(path, MAT_C_INT64, MAT_T_INT64, {1, 10, 9}, compression);
    check_small(path);
  }
}

TEST_CASE("SVHN: labels that are none") {
  const TempFolder dir;
  const fs::path path = dir.path() / "a.mat";
  const auto error_for = [&](double label) {
    write_svhn<double>(path, MAT_C_DOUBLE, MAT_T_DOUBLE, {1, label, 9}, MAT_COMPRESSION_NONE);
    return error_of(path);
  };
  CHECK(contains(error_for(0), "a.mat: y(2) is 0, expected 1 to 10"));
  CHECK(contains(error_for(11), "y(2) is 11, expected 1 to 10"));
  CHECK(contains(error_for(2.5), "y(2) is 2.5, expected 1 to 10"));
  CHECK(contains(error_for(-1), "y(2) is -1, expected 1 to 10"));
  CHECK(contains(error_for(1e300), "expected 1 to 10"));
  CHECK(contains(error_for(std::numeric_limits<double>::quiet_NaN()), "expected 1 to 10"));
}

TEST_CASE("SVHN: wrong shapes, types and names") {
  const TempFolder dir;
  const fs::path path = dir.path() / "a.mat";
  const auto none = MAT_COMPRESSION_NONE;
  const std::vector<std::uint8_t> y = {1, 2};

  Writer(path).add_x({32, 32, 3}, none);
  CHECK(contains(error_of(path), "a.mat: X has 3 dimensions, expected 32x32x3xN"));
  Writer(path).add_x({2, 32, 32, 3}, none);
  CHECK(contains(error_of(path), "X is 2x32x32x3, expected 32x32x3xN"));
  Writer(path).add("X", MAT_C_DOUBLE, MAT_T_DOUBLE, std::vector<double>(3072 * 2), {32, 32, 3, 2},
                   none);
  CHECK(contains(error_of(path), "X is not of type uint8"));
  Writer(path).add("Y", MAT_C_UINT8, MAT_T_UINT8, y, {2, 1}, none);
  CHECK(contains(error_of(path), "has no variable X"));
  Writer(path).add_x({32, 32, 3, 2}, none);
  CHECK(contains(error_of(path), "has no variable y"));

  const auto with_y = [&](std::vector<std::uint8_t> labels, std::vector<std::size_t> dims) {
    Writer writer(path);
    writer.add_x({32, 32, 3, 2}, none);
    writer.add("y", MAT_C_UINT8, MAT_T_UINT8, std::move(labels), std::move(dims), none);
  };
  with_y({1, 2, 3}, {3, 1});
  CHECK(contains(error_of(path), "y is 3x1, expected 2x1"));
  with_y({1, 2}, {1, 2});
  CHECK(contains(error_of(path), "y is 1x2, expected 2x1"));
  {
    Writer writer(path);
    writer.add_x({32, 32, 3, 2}, none);
    writer.add("y", MAT_C_CHAR, MAT_T_UINT8, y, {2, 1}, none);
  }
  CHECK(contains(error_of(path), "y is not a real number type"));
}

TEST_CASE("SVHN: files that are no MATLAB files") {
  const TempFolder dir;
  const fs::path path = dir.path() / "a.mat";
  CHECK(contains(error_of(path), "a.mat: no such file"));
  CHECK(contains(error_of(dir.path()), ": not a file"));
  test::write_text(path, "");
  CHECK(contains(error_of(path), "not a MATLAB version 5 file"));
  test::write_text(path, std::string(4000, 'x'));
  CHECK(contains(error_of(path), "not a MATLAB version 5 file"));
}

// libmatio alone would give zeros for some of these.
TEST_CASE("SVHN: a truncated file is an error wherever it ends") {
  const TempFolder dir;
  const fs::path path = dir.path() / "a.mat";
  for (const auto compression : {MAT_COMPRESSION_NONE, MAT_COMPRESSION_ZLIB}) {
    write_svhn<std::uint8_t>(path, MAT_C_UINT8, MAT_T_UINT8, {1, 10, 9}, compression);
    const std::vector<std::uint8_t> whole = test::bytes_of(path);
    for (std::size_t size = 0; size < whole.size(); size += size + 200 < whole.size() ? 61 : 1) {
      test::write_bytes(path, std::span(whole).first(size));
      CAPTURE(size);
      CHECK(contains(error_of(path), "a.mat: "));
    }
  }
}

TEST_CASE("SVHN: bytes behind the last variable are an error") {
  const TempFolder dir;
  const fs::path path = dir.path() / "a.mat";
  write_svhn<std::uint8_t>(path, MAT_C_UINT8, MAT_T_UINT8, {1, 10, 9}, MAT_COMPRESSION_NONE);
  const std::vector<std::uint8_t> whole = test::bytes_of(path);
  for (const std::size_t surplus : {4, 8, 100}) {
    for (const int value : {0, 97}) {
      std::vector<std::uint8_t> bytes = whole;
      bytes.insert(bytes.end(), surplus, static_cast<std::uint8_t>(value));
      test::write_bytes(path, bytes);
      CHECK(contains(error_of(path), "a.mat: the " + std::to_string(surplus) + " bytes from byte " +
                                         std::to_string(whole.size()) + " on are no variable"));
    }
  }
}

TEST_CASE("SVHN: damaged compressed data does not pass as zeros") {
  const TempFolder dir;
  const fs::path path = dir.path() / "a.mat";
  write_svhn<std::uint8_t>(path, MAT_C_UINT8, MAT_T_UINT8, {1, 10, 9}, MAT_COMPRESSION_ZLIB);
  std::vector<std::uint8_t> bytes = test::bytes_of(path);
  for (std::size_t i = 128 + 8 + 60; i < 128 + 8 + 120; ++i) bytes[i] = 0xFF;
  test::write_bytes(path, bytes);
  CHECK(contains(error_of(path), "damaged"));
}

// A file whose one element is compressed and claims an array of `images` images.
void write_claim(const fs::path& path, std::uint32_t images) {
  std::vector<std::uint8_t> element;
  const auto number = [&](std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) {
      element.push_back(static_cast<std::uint8_t>(value >> shift));
    }
  };
  for (const std::uint32_t word : {14U, 3072U * images + 64, 6U, 8U, 9U, 0U, 5U, 16U, 32U, 32U, 3U,
                                   images, 1U, 1U, 88U, 0U, 2U, 3072U * images}) {
    number(word);
  }
  element.resize(element.size() + 5000);
  std::vector<std::uint8_t> packed(compressBound(element.size()));
  uLongf size = packed.size();
  REQUIRE(compress(packed.data(), &size, element.data(), element.size()) == Z_OK);
  std::string file(124, ' ');
  file += std::string("\x00\x01IM\x0f\x00\x00\x00", 8);
  for (int shift = 0; shift < 32; shift += 8) file += static_cast<char>(size >> shift);
  file.append(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(size));
  test::write_text(path, file);
}

TEST_CASE("SVHN: a file that claims more than it holds is refused, without the memory for it") {
  const TempFolder dir;
  const fs::path path = dir.path() / "a.mat";
  write_claim(path, 1'000'000);
  CHECK(contains(error_of(path), "X is 32x32x3x1000000, more than a file of"));
  write_claim(path, 40);
  CHECK(contains(error_of(path), "damaged: the compressed data end too early"));
}

TEST_CASE("SVHN: y may come first, and other variables are passed over") {
  const TempFolder dir;
  const fs::path path = dir.path() / "a.mat";
  for (const auto compression : {MAT_COMPRESSION_NONE, MAT_COMPRESSION_ZLIB}) {
    {
      Writer writer(path);
      writer.add("y", MAT_C_INT16, MAT_T_INT16, std::vector<std::int16_t>{1, 10, 9}, {3, 1},
                 compression);
      writer.add("note", MAT_C_CHAR, MAT_T_UINT8, std::vector<std::uint8_t>{'a', 'b'}, {1, 2},
                 compression);
      writer.add("z", MAT_C_DOUBLE, MAT_T_DOUBLE, std::vector<double>(7), {7, 1}, compression);
      writer.add_x({32, 32, 3, 3}, compression);
    }
    check_small(path);
  }
}

TEST_CASE("SVHN: whole folders") {
  const TempFolder dir;
  const auto load = [&] { return load_svhn(dir.path()); };
  CHECK(contains(user_error_of(load), "no train_32x32.mat"));
  write_svhn<std::uint8_t>(dir.path() / "svhn/train_32x32.mat", MAT_C_UINT8, MAT_T_UINT8,
                           {1, 10, 9}, MAT_COMPRESSION_ZLIB);
  CHECK(contains(user_error_of(load), "train_32x32.mat: no images of the digit 2"));
  write_svhn<std::uint8_t>(dir.path() / "svhn/train_32x32.mat", MAT_C_UINT8, MAT_T_UINT8,
                           {1, 10, 9, 2, 3, 4, 5, 6, 7, 8}, MAT_COMPRESSION_ZLIB);
  CHECK(contains(user_error_of(load), "test_32x32.mat: no such file"));
  write_svhn<double>(dir.path() / "svhn/test_32x32.mat", MAT_C_DOUBLE, MAT_T_DOUBLE, {5, 5},
                     MAT_COMPRESSION_NONE);
  const Dataset dataset = load();
  CHECK(dataset.name == "svhn");
  CHECK(!dataset.flip_allowed);
  CHECK(dataset.train.count == 10);
  CHECK(dataset.test.count == 2);
  CHECK(dataset.class_names.size() == 10);
  CHECK(dataset.class_names[0] == "0");
  CHECK(load_svhn(dir.path() / "svhn").train.count == 10);
}

// The facts were read with scipy.io.loadmat.
TEST_CASE("SVHN: the real files" * doctest::test_suite("data")) {
  const auto dir = test::real_data("svhn");
  if (!dir) return;
  const Dataset dataset = load_svhn(*dir);
  const ImageSet& train = dataset.train;
  const auto pixel = [&](std::int64_t n, int row, int col, int channel) {
    return static_cast<int>(
        train.image(n)[static_cast<std::size_t>((row * 32 + col) * 3 + channel)]);
  };
  REQUIRE(train.count >= 10);
  const std::vector<std::int32_t> first(train.labels.begin(), train.labels.begin() + 10);
  CHECK(first == std::vector<std::int32_t>{1, 9, 2, 3, 2, 5, 9, 3, 3, 1});
  CHECK(pixel(0, 0, 0, 0) == 33);
  CHECK(pixel(0, 3, 7, 1) == 77);
  CHECK(pixel(1, 31, 0, 2) == 82);
  CHECK(pixel(5, 16, 20, 0) == 92);
  // Either the published file or its first 1,083 images.
  if (train.count == 1083) {
    CHECK(class_counts(train, 10) ==
          std::vector<std::int64_t>{66, 227, 141, 134, 110, 112, 78, 70, 78, 67});
    std::array<std::int64_t, 3> sums{};
    for (std::size_t i = 0; i < train.pixels.size(); ++i) sums[i % 3] += train.pixels[i];
    CHECK(sums == std::array<std::int64_t, 3>{127948699, 129065140, 136218124});
    CHECK(pixel(1082, 31, 31, 2) == 201);
    CHECK(pixel(1082, 10, 5, 1) == 239);
  } else {
    CHECK(train.count == 73257);
    CHECK(dataset.test.count == 26032);
  }
}

}  // namespace scimix

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/cifar10.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

using test::contains;
using test::TempFolder;
using test::user_error_of;

constexpr std::int64_t kRecord = 3073;
const char* const kNames =
    "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";

std::array<std::int64_t, 3> channel_sums(const ImageSet& images) {
  std::array<std::int64_t, 3> sums{};
  for (std::size_t i = 0; i < images.pixels.size(); ++i) sums[i % 3] += images.pixels[i];
  return sums;
}

int pixel(const ImageSet& images, std::int64_t n, int row, int col, int channel) {
  return images.image(n)[static_cast<std::size_t>((row * 32 + col) * 3 + channel)];
}

// Files of the right size and full of zeros take no room: they have holes.
void make_zero_files(const std::filesystem::path& dir) {
  for (const char* name : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                           "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"}) {
    test::write_text(dir / name, "");
    std::filesystem::resize_file(dir / name, 10000 * kRecord);
  }
  test::write_text(dir / "batches.meta.txt", kNames);
}

}  // namespace

TEST_CASE("CIFAR-10: planes become pixels") {
  const TempFolder dir;
  std::vector<std::uint8_t> bytes(2 * kRecord);
  bytes[0] = 3;
  bytes[kRecord] = 9;
  const auto at = [](int record, int channel, int row, int col) {
    return static_cast<std::size_t>(record * kRecord + 1 + channel * 1024 + row * 32 + col);
  };
  bytes[at(0, 0, 0, 0)] = 11;
  bytes[at(0, 1, 2, 31)] = 22;
  bytes[at(1, 2, 31, 5)] = 33;
  test::write_bytes(dir.path() / "b.bin", bytes);
  const ImageSet images = read_cifar10_batch(dir.path() / "b.bin", 2);
  CHECK(images.count == 2);
  CHECK(images.height == 32);
  CHECK(images.width == 32);
  CHECK(images.channels == 3);
  CHECK(images.labels == std::vector<std::int32_t>{3, 9});
  CHECK(pixel(images, 0, 0, 0, 0) == 11);
  CHECK(pixel(images, 0, 2, 31, 1) == 22);
  CHECK(pixel(images, 1, 31, 5, 2) == 33);
  const auto sums = channel_sums(images);  // nothing else was set
  CHECK(sums == std::array<std::int64_t, 3>{11, 22, 33});
}

TEST_CASE("CIFAR-10: bad files") {
  const TempFolder dir;
  const auto file = dir.path() / "b.bin";
  const auto read = [&] { (void)read_cifar10_batch(file, 2); };
  CHECK(contains(user_error_of(read), "b.bin: no such file"));

  test::write_bytes(file, std::vector<std::uint8_t>(2 * kRecord - 1));
  std::string message = user_error_of(read);
  CHECK(contains(message, "b.bin: 6145 bytes, expected 6146"));
  test::write_bytes(file, std::vector<std::uint8_t>(2 * kRecord + 1));
  CHECK(contains(user_error_of(read), "6147 bytes, expected 6146"));

  std::vector<std::uint8_t> bytes(2 * kRecord);
  bytes[kRecord] = 10;
  test::write_bytes(file, bytes);
  CHECK(contains(user_error_of(read), "b.bin: record 1 has label 10, expected 0 to 9"));

  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  CHECK(contains(user_error_of(read), "b.bin: not a file"));
}

TEST_CASE("CIFAR-10: whole folders") {
  const TempFolder dir;
  const auto inner = dir.path() / "cifar-10-batches-bin";
  const auto load = [&] { return load_cifar10(dir.path()); };
  CHECK(contains(user_error_of(load), "no data_batch_1.bin"));

  make_zero_files(inner);
  const Dataset dataset = load();
  CHECK(dataset.train.count == 50000);
  CHECK(dataset.test.count == 10000);
  CHECK(load_cifar10(inner).train.count == 50000);  // the folder itself will do

  test::write_text(inner / "batches.meta.txt",
                   "\xEF\xBB\xBF"
                   "a\r\n b \n\n \nc\rd\ne\nf\ng\nh\ni\nj\n");
  CHECK(load().class_names ==
        std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"});

  std::filesystem::resize_file(inner / "data_batch_4.bin", 30729999);
  CHECK(contains(user_error_of(load), "data_batch_4.bin: 30729999 bytes, expected 30730000"));
  std::filesystem::resize_file(inner / "data_batch_4.bin", 30730000);
  std::filesystem::remove(inner / "test_batch.bin");
  CHECK(contains(user_error_of(load), "test_batch.bin: no such file"));
  test::write_text(inner / "batches.meta.txt", "cat\ndog\n");
  CHECK(contains(user_error_of(load), "batches.meta.txt: 2 class names, expected 10"));
  test::write_text(inner / "batches.meta.txt", "cat\ndog\ncat \n");
  CHECK(contains(user_error_of(load), "batches.meta.txt: has the class name cat twice"));
}

// The facts were read from the published files with numpy.
TEST_CASE("CIFAR-10: the real files" * doctest::test_suite("data")) {
  const auto dir = test::real_data("cifar-10-batches-bin");
  if (!dir) return;
  const Dataset dataset = load_cifar10(dir->parent_path());
  CHECK(dataset.name == "cifar10");
  CHECK(dataset.flip_allowed);
  CHECK(dataset.class_names == std::vector<std::string>{"airplane", "automobile", "bird", "cat",
                                                        "deer", "dog", "frog", "horse", "ship",
                                                        "truck"});
  const ImageSet& train = dataset.train;
  const ImageSet& held = dataset.test;
  CHECK(train.count == 50000);
  CHECK(held.count == 10000);
  CHECK(class_counts(train, 10) == std::vector<std::int64_t>(10, 5000));
  CHECK(class_counts(held, 10) == std::vector<std::int64_t>(10, 1000));
  CHECK(channel_sums(train) == std::array<std::int64_t, 3>{6415714204, 6295060180, 5829907619});
  CHECK(channel_sums(held) == std::array<std::int64_t, 3>{1290492328, 1266775083, 1176108223});
  const std::vector<std::int32_t> first(train.labels.begin(), train.labels.begin() + 10);
  CHECK(first == std::vector<std::int32_t>{6, 9, 9, 4, 1, 1, 2, 7, 8, 3});
  CHECK(pixel(train, 0, 0, 0, 0) == 59);
  CHECK(pixel(train, 0, 3, 7, 1) == 62);
  CHECK(pixel(train, 1, 31, 0, 2) == 120);
  CHECK(pixel(train, 5, 16, 20, 0) == 162);
  CHECK(pixel(train, 49999, 31, 31, 2) == 161);
  CHECK(pixel(train, 49999, 10, 5, 1) == 118);
  CHECK(pixel(held, 0, 0, 0, 0) == 158);
  CHECK(pixel(held, 9999, 10, 5, 1) == 106);
}

}  // namespace scimix

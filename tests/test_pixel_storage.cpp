// Pixels in memory and on disk.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/allocator.hpp"
#include "core/tensor.hpp"
#include "data/image_folder.hpp"
#include "data/pixel_storage.hpp"
#include "tests/test_data_support.hpp"
#include "trainers/resident_set.hpp"

namespace scimix {
namespace {

using test::TempFolder;

namespace fs = std::filesystem;

PixelVector on_disk(const fs::path& folder, std::size_t bytes) {
  PixelVector pixels(PixelAllocator(std::make_shared<PixelFiles>(folder)));
  pixels.resize(bytes);
  return pixels;
}

// 5 images of each of two classes, of which one each is held out, and 20 without a class.
void write_folder(const fs::path& dir) {
  for (int i = 0; i < 5; ++i) {
    test::write_plain(dir / "labeled/a" / (std::to_string(i) + ".png"), 10 + i);
    test::write_plain(dir / "labeled/b" / (std::to_string(i) + ".png"), 20 + i);
  }
  for (int i = 0; i < 20; ++i) {
    test::write_plain(dir / "unlabeled" / (std::to_string(i) + ".png"), 100 + i);
  }
}

}  // namespace

TEST_CASE("pixel storage: a file without a name, zeros, and copies of their own") {
  const TempFolder dir;
  const fs::path folder = dir / "new/folder";
  constexpr std::size_t kBytes = 100'003;
  PixelVector pixels = on_disk(folder, kBytes);
  CHECK(fs::is_empty(folder));  // nobody else can change it or has to remove it
  CHECK(std::ranges::count(pixels, 0) == kBytes);
  for (std::size_t i = 0; i < kBytes; ++i) pixels[i] = static_cast<std::uint8_t>(i * 7);
  PixelVector copy = pixels;
  CHECK(copy == pixels);
  copy[5] = 1;
  CHECK(pixels[5] == 35);
  CHECK(shared_pixels(copy) != nullptr);
  CHECK(shared_pixels(copy) != shared_pixels(pixels));

  const std::shared_ptr<std::byte> shared = shared_pixels(pixels);
  const std::uint8_t* const address = pixels.data();
  const PixelVector moved = std::move(pixels);
  CHECK(moved.data() == address);
  copy = PixelVector();
  CHECK(shared_pixels(copy) == nullptr);
  CHECK(shared_pixels(PixelVector(9, 1)) == nullptr);
  {
    const PixelVector gone = on_disk(folder, 10);
    copy = gone;
  }
  CHECK(copy == PixelVector(10, 0));
  CHECK(shared.get() == reinterpret_cast<const std::byte*>(address));
}

TEST_CASE("pixel storage: shared pixels outlive their vector and the folder") {
  const TempFolder dir;
  std::shared_ptr<std::byte> shared;
  {
    PixelVector pixels = on_disk(dir / "folder", 5000);
    pixels[4999] = 77;
    shared = shared_pixels(pixels);
    fs::remove_all(dir / "folder");
    CHECK(pixels[4999] == 77);
  }
  CHECK(shared.get()[4999] == std::byte{77});
}

TEST_CASE("pixel storage: a folder that cannot hold a file is a user's mistake") {
  const TempFolder dir;
  test::write_text(dir / "file", "x");
  CHECK(test::contains(test::user_error_of([&] { (void)on_disk(dir / "file", 10); }), "file"));
  // More than any disk has.
  CHECK(test::contains(
      test::user_error_of([&] { (void)on_disk(dir / "folder", std::size_t{1} << 60U); }),
      "folder: cannot hold a file of 1152921504606846976 bytes"));
}

TEST_CASE("pixel storage: automatic takes the disk above a quarter of the memory") {
  const auto on = [](ImageStorage storage, std::uint64_t bytes, const fs::path& folder = "x") {
    return belongs_on_disk(bytes, {.storage = storage, .folder = folder}, 4000);
  };
  CHECK_FALSE(on(ImageStorage::automatic, 1000));
  CHECK(on(ImageStorage::automatic, 1001));
  CHECK_FALSE(on(ImageStorage::automatic, 1001, ""));
  CHECK(on(ImageStorage::disk, 1));
  CHECK_FALSE(on(ImageStorage::disk, 1, ""));
  CHECK_FALSE(on(ImageStorage::memory, 1'000'000));
  CHECK(usable_memory() > 100'000'000);
}

TEST_CASE("pixel storage: a folder on disk is the folder in memory") {
  const TempFolder dir;
  write_folder(dir / "pictures");
  FolderOptions options{.size = 8};
  const Dataset memory = load_image_folder(dir / "pictures", options);
  options.storage = {.storage = ImageStorage::disk, .folder = dir / "cache"};
  const Dataset disk = load_image_folder(dir / "pictures", options);
  REQUIRE(shared_pixels(disk.train.pixels) != nullptr);
  CHECK(shared_pixels(disk.test.pixels) != nullptr);
  CHECK(test::has_note(disk, "are in a file in " + (dir / "cache").string()));
  CHECK(content_hash(disk.train) == content_hash(memory.train));
  CHECK(content_hash(disk.test) == content_hash(memory.test));
  CHECK(disk.train.count == 28);

  // From the cache of decoded images, too.
  BadFiles bad;
  const auto read = [&] {
    return read_images(
        "images", disk.train_files, bad,
        {.size = 8, .cache_file = dir / "cache/images.safetensors", .storage = options.storage});
  };
  CHECK(content_hash(read().images) == content_hash(disk.train));
  test::write_plain(dir / "pictures/unlabeled/0.png", 255);
  CHECK(content_hash(read().images) != content_hash(disk.train));
}

TEST_CASE("pixel storage: a resident set on a CPU reads the disk without a copy") {
  const TempFolder dir;
  write_folder(dir / "pictures");
  FolderOptions options{.size = 8};
  const ResidentSet memory(load_image_folder(dir / "pictures", options).train, kCpu);
  options.storage = {.storage = ImageStorage::disk, .folder = dir / "cache"};
  std::optional<Dataset> dataset = load_image_folder(dir / "pictures", options);
  const std::size_t before = memory_stats(kCpu).in_use;
  const ResidentSet disk(dataset->train, kCpu);
  CHECK(memory_stats(kCpu).in_use - before <= 512);  // the labels
  dataset.reset();
  const std::vector<std::int32_t> indices{27, 0, 5};
  CHECK(disk.plain(indices, DType::f32).images.value().to_host<float>() ==
        memory.plain(indices, DType::f32).images.value().to_host<float>());
}

TEST_CASE("a tensor of memory that something else owns") {
  Memory mine = allocate(kCpu, 16);
  std::byte* const address = mine.get();
  Tensor row;
  {
    Tensor tensor = Tensor::of_memory(mine, {2, 8}, DType::u8);
    CHECK(tensor.raw() == address);
    row = tensor.rows(1, 2);
  }
  CHECK(mine.use_count() == 2);  // this handle and the view
  mine.reset();
  row.copy_from_host(std::array<std::uint8_t, 8>{1, 2, 3, 4, 5, 6, 7, 8}.data());
  CHECK(row.raw() == address + 8);
  CHECK(row.to_host<std::uint8_t>() == std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8});
  CHECK_THROWS_AS((void)Tensor::of_memory(nullptr, {1}, DType::u8), Error);
}

}  // namespace scimix

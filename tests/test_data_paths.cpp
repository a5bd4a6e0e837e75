// Names of any bytes, and paths that cannot be looked at.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/atomic_file.hpp"
#include "core/paths.hpp"
#include "core/safetensors.hpp"
#include "data/cifar10.hpp"
#include "data/file.hpp"
#include "data/image_folder.hpp"
#include "data/image_source.hpp"
#include "data/npy.hpp"
#include "data/split.hpp"
#include "data/svhn.hpp"
#include "tests/test_data_support.hpp"

namespace scimix {
namespace {

using test::contains;
using test::TempFolder;
using test::user_error_of;
using test::write_plain;

namespace fs = std::filesystem;

// All that looks at a path. Each has to end in a user_error of one line for a path that cannot be
// looked at; std::filesystem would throw an exception that programs report as a bug.
struct Reader {
  const char* name;
  std::function<void(const fs::path&)> read;
};

std::vector<Reader> readers() {
  const Dataset none;
  return {
      {"folder", [](const fs::path& path) { (void)load_image_folder(path, {}); }},
      {"test folder",
       [](const fs::path& path) { (void)load_image_folder(path, {.test_only = true}); }},
      {"source", [](const fs::path& path) { (void)load_image_source(path.string(), {}); }},
      {"cifar10", [](const fs::path& path) { (void)load_dataset("cifar10", path); }},
      {"cifar10 batch", [](const fs::path& path) { (void)read_cifar10_batch(path); }},
      {"svhn", [](const fs::path& path) { (void)load_dataset("svhn", path); }},
      {"svhn file", [](const fs::path& path) { (void)read_svhn_file(path); }},
      {"split", [=](const fs::path& path) { (void)load_split(path, none); }},
      {"save split", [](const fs::path& path) { save_split(path / "a", {}); }},
      {"image", [](const fs::path& path) { (void)read_image(path); }},
      {"write png",
       [](const fs::path& path) {
         write_png(path / "a", {1, 1, {1, 2, 3}});
       }},
      {"file", [](const fs::path& path) { (void)read_file(path); }},
      {"safetensors", [](const fs::path& path) { (void)SafetensorsFile(path); }},
      {"write safetensors", [](const fs::path& path) { write_safetensors(path / "a", {}); }},
      {"append", [](const fs::path& path) { AppendFile(path / "a", AppendFile::Start::keep); }},
      {"write npy",
       [](const fs::path& path) {
         const std::vector<float> values = {1};
         write_npy(path / "a", 1, std::vector{npy_field("x", {}, values)});
       }},
  };
}

ImageSourceOptions of_size(std::int64_t size) {
  ImageSourceOptions options;
  options.image_size = size;
  return options;
}

void check_all(const fs::path& path, const std::string& reason) {
  for (const Reader& reader : readers()) {
    CAPTURE(reader.name);
    const std::string message = user_error_of([&] { reader.read(path); });
    CHECK(contains(message, reason));
    CHECK(contains(message, shown(path.filename()).substr(0, 40)));
  }
}

}  // namespace

TEST_CASE("paths: a loop of symbolic links is named as what it is") {
  const TempFolder dir;
  fs::create_symlink(dir / "b", dir / "a");
  fs::create_symlink(dir / "a", dir / "b");
  for (const Reader& reader : readers()) {
    CAPTURE(reader.name);
    const std::string message = user_error_of([&] { reader.read(dir / "a"); });
    const bool named = message.find("loop of symbolic links") != std::string::npos;
    CHECK_MESSAGE(named, message);
  }
}

TEST_CASE("paths: a name of 300 characters") {
  const TempFolder dir;
  check_all(dir / std::string(300, 'n'), "File name too long");
}

TEST_CASE("paths: a path of 5,000 characters is refused, one of 4,000 works") {
  const TempFolder dir;
  fs::path deep = dir.path();
  while (deep.native().size() < 3950) deep /= std::string(40, 'd');
  check_all(deep / std::string(250, 'e') / std::string(250, 'f') / std::string(250, 'g') /
                std::string(250, 'h') / std::string(250, 'i'),
            "File name too long");
  for (const char* name : {"a", "b"}) {
    for (const char* image : {"1.png", "2.png"}) write_plain(deep / name / image, 5);
  }
  CHECK(load_image_folder(deep, {.size = 8}).train.count == 2);
  CHECK(load_image_source(deep.string(), of_size(8)).images.count == 4);
  write_safetensors(deep / "a.safetensors", {});
  CHECK(SafetensorsFile(deep / "a.safetensors").entries().empty());
}

TEST_CASE("paths: a dangling link says where it leads") {
  const TempFolder dir;
  fs::create_symlink("nowhere", dir / "link");
  for (const Reader& reader : readers()) {
    const std::string name = reader.name;
    const bool writes = name.starts_with("write") || name == "append" || name == "save split";
    if (writes || name == "safetensors") continue;  // "no such file or directory", with the path
    CAPTURE(name);
    CHECK(contains(user_error_of([&] { reader.read(dir / "link"); }),
                   "link: is a symbolic link to nowhere, which does not exist"));
  }
}

TEST_CASE("paths: permission denied") {
  if (::geteuid() == 0) {
    skip_check("permissions: the superuser may look at everything");
    return;
  }
  const TempFolder dir;
  fs::create_directories(dir / "closed/inner");
  REQUIRE(::chmod((dir / "closed").c_str(), 0) == 0);
  check_all(dir / "closed/inner", "Permission denied");
  REQUIRE(::chmod((dir / "closed").c_str(), 0700) == 0);
}

TEST_CASE("paths: a name of 255 characters is written and read") {
  const TempFolder dir;
  const fs::path file =
      dir / std::string(251, 'n').append(".png");  // the longest that systems allow
  write_png(file, {1, 1, {1, 2, 3}});
  CHECK(read_image(file).pixels == std::vector<std::uint8_t>{1, 2, 3});
  CHECK(dir.count() == 1);
}

TEST_CASE("names: text that JSON can hold") {
  CHECK(utf8_name("wren") == "wren");
  CHECK(utf8_name("Zaunk\xC3\xB6nig") == "Zaunk\xC3\xB6nig");
  CHECK(utf8_name("a\\b") == "a\\b");
  CHECK(utf8_name("caf\xE9") == "caf\\xE9");
  CHECK(utf8_name("\xE9\\x") == "\\xE9\\\\x");
  CHECK(utf8_name("\xF0\x9F\x90\xA6") == "\xF0\x9F\x90\xA6");
  // Overlong, a surrogate, above U+10FFFF, cut short, a stray continuation.
  CHECK(utf8_name("\xC0\xAF") == "\\xC0\\xAF");
  CHECK(utf8_name("\xED\xA0\x80") == "\\xED\\xA0\\x80");
  CHECK(utf8_name("\xF4\x90\x80\x80") == "\\xF4\\x90\\x80\\x80");
  CHECK(utf8_name("\xE2\x82") == "\\xE2\\x82");
  CHECK(utf8_name("\x80") == "\\x80");
  CHECK(shown("a\nb\x7F\xE9") == "a\\x0Ab\\x7F\\xE9");
}

// The other implementation of UTF-8 is that of the JSON library.
TEST_CASE("names: every pair of bytes") {
  for (int first = 1; first < 256; ++first) {
    for (int second = 1; second < 256; ++second) {
      const std::string name = {static_cast<char>(first), static_cast<char>(second)};
      const auto is_control = [](int c) { return c < 0x20 || c == 0x7F; };
      bool plain = !is_control(first) && !is_control(second);
      try {
        (void)nlohmann::json(name).dump();
      } catch (const nlohmann::json::exception&) {
        plain = false;
      }
      CHECK((utf8_name(name) == name) == plain);
      CHECK_NOTHROW((void)nlohmann::json(utf8_name(name)).dump());
    }
  }
}

TEST_CASE("image folder: class folders whose names are not UTF-8") {
  const TempFolder dir;
  for (const char* half : {"train", "test"}) {
    write_plain(dir / half / "caf\xE9/1\xFF.png", 1);
    write_plain(dir / half / "th\xC3\xA9/1.png", 2);
    write_plain(dir / half / "a\nb/1.png", 3);
  }
  const Dataset dataset = load_image_folder(dir.path(), {.size = 8});
  CHECK(dataset.class_names == std::vector<std::string>{"a\\x0Ab", "caf\\xE9", "th\xC3\xA9"});
  CHECK(dataset.test.labels == std::vector<std::int32_t>{0, 1, 2});
  CHECK_NOTHROW((void)nlohmann::json(dataset.class_names).dump());

  const ImageSource source = load_image_source((dir / "test").string(), of_size(8));
  CHECK(source.class_names == dataset.class_names);
  CHECK(source.names ==
        std::vector<std::string>{"a\\x0Ab/1.png", "caf\\xE9/1\\xFF.png", "th\xC3\xA9/1.png"});

  test::write_text(dir / "test" / "caf\xE9" / "2\n.png", "none");
  CHECK(contains(user_error_of([&] { (void)load_image_folder(dir.path(), {.size = 8}); }),
                 "caf\\xE9/2\\x0A.png: neither a PNG"));

  write_plain(dir / "train" / "caf\\xE9/1.png", 4);
  CHECK(contains(user_error_of([&] { (void)load_image_folder(dir.path(), {.size = 8}); }),
                 "two folders are both written caf\\xE9"));
}

}  // namespace scimix

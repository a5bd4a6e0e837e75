// Pictures of two kinds that a tiny network can tell apart.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/image_io.hpp"
#include "temp_folder.hpp"

namespace scimix::test {

// A striped picture: the stripes of "across" are rows, those of "down" columns.
inline void write_picture(const std::filesystem::path& path, bool across, int number) {
  std::filesystem::create_directories(path.parent_path());
  Image image{16, 16, std::vector<std::uint8_t>(768)};
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 16; ++x) {
      const int stripe = ((across ? y : x) + number) / 2 % 2;
      for (int c = 0; c < 3; ++c) {
        image.pixels[static_cast<std::size_t>((y * 16 + x) * 3 + c)] =
            static_cast<std::uint8_t>(60 + 120 * stripe + (number * 13 + c * 31) % 40);
      }
    }
  }
  write_png(path, image);
}

// Ten labelled pictures of each of the two classes, in `folder`/labeled.
inline void write_labeled_pictures(const std::filesystem::path& folder) {
  for (int i = 0; i < 10; ++i) {
    const std::string name = std::to_string(i) + ".png";
    write_picture(folder / "labeled/across" / name, true, i);
    write_picture(folder / "labeled/down" / name, false, i);
  }
}

// As many pictures of both kinds without a class, in `folder`/unlabeled.
inline void write_unlabeled_pictures(const std::filesystem::path& folder, int count) {
  for (int i = 0; i < count; ++i) {
    write_picture(folder / "unlabeled" / (std::to_string(i) + ".png"), i % 2 == 0, 20 + i);
  }
}

// A folder of labelled pictures. Runs can be written beside it.
struct PictureFolder {
  PictureFolder() { write_labeled_pictures(dir); }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder / name).string(); }

  TempFolder folder;
  std::filesystem::path dir = folder / "pictures";
};

}  // namespace scimix::test

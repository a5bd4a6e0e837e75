// Where hybrids go. The name of the output says in which form:
//
//   hybrids.npy          records image u8 [side,side,3], label, predicted, content, scene (i4)
//   hybrids.safetensors  tensors of the same names
//   hybrids.png          a picture: content, scene, hybrid; with every content in every scene a
//                        table, scenes on top and contents on the left
//   hybrids              a folder of 000000.png, 000001.png ..., in one folder per class where
//                        classes are known: a data set again (--dataset folder). Beside it
//                        hybrids.tsv lists file, class, predicted class and both parents by name
//
// content and scene are positions in the two sources; label -1 is "unknown".
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/image_source.hpp"
#include "tools/mix_images.hpp"

namespace scimix {

enum class MixForm : std::uint8_t { npy, safetensors, grid, folder };

// Errors (user): another ending.
[[nodiscard]] MixForm output_form(const std::filesystem::path& path);

// Checks, before hybrids are made, that they can be written. Errors (user): another ending, a file
// that is not an earlier result of ours, a folder that is not empty, no right to write.
void check_output(const std::filesystem::path& path);
// Errors (user): a picture of more than 2,500 hybrids.
void check_count(const std::filesystem::path& path, std::int64_t hybrids);
// Returns where the hybrids are: the path, and for a folder that of its list.
[[nodiscard]] std::string describe_output(const std::filesystem::path& path);

struct MixParents {
  const ImageSource& content;
  const ImageSource& scene;
  const std::vector<std::string>& class_names;  // the generator's
  bool every_pair = false;                      // lay a picture out as a table
};

// A file or folder is whole or not there. Errors (user): a picture of more than 2,500 hybrids; a
// full disk.
void write_hybrids(const std::filesystem::path& path, const MixedImages& hybrids,
                   const MixParents& parents);

}  // namespace scimix

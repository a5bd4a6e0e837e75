// Writes hybrids to files. The name of the output determines the format:
//
//   hybrids.npy          records image u8 [side,side,3], label, predicted, content, scene (i4)
//   hybrids.safetensors  tensors of the same names
//   hybrids.png          a picture of content, scene and hybrid of each pair; with every content in
//                        every scene, a table with scenes on top and contents on the left
//   hybrids              a folder of 000000.png, 000001.png ..., in one subfolder per known class,
//                        as --dataset folder reads it. The file hybrids.tsv beside the folder lists
//                        file, class, predicted class and the names of both parents
//
// content and scene are indices in the two sources; label -1 means "unknown".
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/image_source.hpp"
#include "tools/mix/mix_images.hpp"

namespace scimix {

enum class MixForm : std::uint8_t { npy, safetensors, grid, folder };

// Returns the format for this name. Errors (user): another extension.
[[nodiscard]] MixForm output_form(const std::filesystem::path& path);

// Checks, before hybrids are made, that they can be written. Errors (user): another extension, an
// existing file that is no earlier result of scimix_mix, a folder that is not empty, no permission.
void check_output(const std::filesystem::path& path);
// Checks the names of the classes of which hybrids are made. Errors (user): if the output is a
// folder, a class whose name cannot be that of a subfolder.
void check_class_names(const std::filesystem::path& path,
                       const std::vector<std::string>& class_names);
// Checks the number of hybrids. Errors (user): a picture of more than 2,500 hybrids.
void check_count(const std::filesystem::path& path, std::int64_t hybrids);
// Returns the path of the hybrids, and for a folder also the path of its list, for messages.
[[nodiscard]] std::string describe_output(const std::filesystem::path& path);

struct MixParents {
  const ImageSource& content;
  const ImageSource& scene;
  const std::vector<std::string>& class_names;  // the generator's
  bool every_pair = false;                      // every content in every scene: draw a table
};

// Writes the hybrids atomically: on an error, no file or folder appears at `path`. Errors (user): a
// picture of more than 2,500 hybrids, a full disk.
void write_hybrids(const std::filesystem::path& path, const MixedImages& hybrids,
                   const MixParents& parents);

}  // namespace scimix

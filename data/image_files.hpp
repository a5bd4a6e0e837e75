// Which image files a folder holds.
#pragma once

#include <filesystem>
#include <vector>

namespace scimix {

// What a folder holds, in byte order of the names. Hidden entries (a leading dot) are passed over.
// Errors (user): no such folder, or one that cannot be listed.
[[nodiscard]] std::vector<std::filesystem::path> list_folder(const std::filesystem::path& folder);

// The same for a folder that is to hold nothing but PNG and JPEG images (extensions .png, .jpg,
// .jpeg in either case). Errors (user): any other file (a typo must not shrink a data set
// silently), no images.
[[nodiscard]] std::vector<std::filesystem::path> list_images(const std::filesystem::path& folder);

}  // namespace scimix

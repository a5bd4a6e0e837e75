// CIFAR-10, "binary version" (Krizhevsky, "Learning multiple layers of features from tiny images",
// 2009): 60,000 photographs of 32x32 pixels in 10 classes.
#pragma once

#include <cstdint>
#include <filesystem>

#include "data/dataset.hpp"

namespace scimix {

// Reads data_batch_1..5.bin, test_batch.bin and batches.meta.txt from `dir` or from
// `dir`/cifar-10-batches-bin. Errors (user): a missing file, a wrong size, a label above
// 9, class names that are not ten different ones.
[[nodiscard]] Dataset load_cifar10(const std::filesystem::path& dir);

// One batch file: `records` records of 3,073 bytes, each a label 0..9 and then the planes R, G, B
// of 1,024 bytes, row by row. The real files have 10,000 records. Errors (user): as above.
[[nodiscard]] ImageSet read_cifar10_batch(const std::filesystem::path& file,
                                          std::int64_t records = 10000);

}  // namespace scimix

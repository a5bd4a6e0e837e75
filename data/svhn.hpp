// SVHN, format 2 "cropped digits" (Netzer et al., "Reading digits in natural images with
// unsupervised feature learning", 2011): 32x32 crops of house numbers from street photographs.
#pragma once

#include <filesystem>

#include "data/dataset.hpp"

namespace scimix {

// Reads train_32x32.mat and test_32x32.mat from `dir` or from `dir`/svhn. The `extra` images are
// not used: the published splits count 73,257 training images without them. Errors (user): a
// missing folder or file, those of read_svhn_file, training images without one of the ten digits.
[[nodiscard]] Dataset load_svhn(const std::filesystem::path& dir);

// One MATLAB file: X, uint8 32x32x3xN (column-major), and y, Nx1 of any numeric type with labels
// 1..10, where 10 stands for the digit 0 and becomes class 0. Any N >= 1.
// Errors (user): not a MATLAB file, truncated, X or y missing or of another shape, a label outside
// 1..10.
[[nodiscard]] ImageSet read_svhn_file(const std::filesystem::path& file);

}  // namespace scimix

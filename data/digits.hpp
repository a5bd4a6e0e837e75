// Synthetic digits: small pictures that look like crops of house numbers, drawn by the program
// itself, so that it can be tried and tested without a download.
#pragma once

#include <cstdint>

#include "data/dataset.hpp"

namespace scimix {

// `train` and `test` images of 32x32 pixels in 10 classes. Image i shows the digit i % 10, so that
// classes are balanced; it depends on `seed`, on i and on whether it is for training or testing,
// and on nothing else: a larger set starts with the images of a smaller one, and the number of
// threads does not matter. Errors (user): a count below 10,
// more images than memory has room for.
[[nodiscard]] Dataset load_digits(std::int64_t train, std::int64_t test, std::uint64_t seed);

enum class DigitSet : std::uint32_t { train = 0, test = 1 };  // part of the run format

// One half of the above. Any count from 0.
[[nodiscard]] ImageSet draw_digits(std::int64_t count, std::uint64_t seed, DigitSet set);

}  // namespace scimix

// Chooses the pairs of images, when a user mixes two lists: contents, which give the class, and
// scenes.
#pragma once

#include <cstdint>
#include <string>

#include "trainers/transfer.hpp"

namespace scimix {

enum class Pairing : std::uint8_t {
  random,    // contents in order, each with a random scene; scenes are used equally often
  in_order,  // content i with scene i; the shorter list starts again from its beginning
  all,       // every content with every scene, content by content
};

// Returns the pairing of this name. Errors (user): an unknown name.
[[nodiscard]] Pairing parse_pairing(const std::string& word);

struct PairLists {
  std::int64_t contents = 0;
  std::int64_t scenes = 0;
  bool same = false;  // both lists are the same; random pairs then never mix an image with itself
};

// Returns `count` pairs of indices. If `count` is 0, returns as many pairs as there are contents
// (random), as the longer list has images (in_order), or all pairs (all). Errors (user): an empty
// list, more pairs than exist (all), more than 10 million pairs, a single image to be mixed with
// itself.
[[nodiscard]] Pairs pair_images(Pairing pairing, const PairLists& lists, std::int64_t count,
                                std::uint64_t seed);

}  // namespace scimix

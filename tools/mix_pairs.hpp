// Which image gives the class and which the scene, when a user mixes two lists of images.
#pragma once

#include <cstdint>
#include <string>

#include "trainers/transfer.hpp"

namespace scimix {

enum class Pairing : std::uint8_t {
  random,    // contents in turn, each with a scene that is drawn; scenes come up equally often
  in_order,  // content i with scene i; the shorter list starts again
  all,       // every content with every scene, content by content
};

// Errors (user): an unknown word.
[[nodiscard]] Pairing parse_pairing(const std::string& word);

struct PairLists {
  std::int64_t contents = 0;
  std::int64_t scenes = 0;
  bool same = false;  // both lists are one: at random, no image is mixed with itself
};

// `count` pairs. 0 stands for as many as there are contents (random), as the longer list has
// (in_order), or all. Errors (user): an empty list, more pairs than there are (all) or than memory
// is likely to hold, one image alone to be mixed at random.
[[nodiscard]] Pairs pair_images(Pairing pairing, const PairLists& lists, std::int64_t count,
                                std::uint64_t seed);

}  // namespace scimix

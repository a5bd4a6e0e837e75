#include "tools/mix/mix_pairs.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/names.hpp"
#include "core/random.hpp"
#include "data/random_order.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kMostPairs = 10'000'000;
constexpr std::uint32_t kMixStream = 2;  // of Purpose::pairing

std::int64_t available(Pairing pairing, const PairLists& lists) {
  switch (pairing) {
    case Pairing::random:
      return lists.contents;
    case Pairing::in_order:
      return std::max(lists.contents, lists.scenes);
    case Pairing::all:
      return lists.contents * lists.scenes;
  }
  return 0;
}

// Draws the scenes in a random order, and in another random order when all have been used.
class SceneDraw {
 public:
  SceneDraw(const PairLists& lists, std::uint64_t seed) : lists_(lists), seed_(seed) {}

  std::int32_t next(std::int64_t content) {
    if (at_ == order_.size()) {
      order_ = random_order(static_cast<std::size_t>(lists_.scenes),
                            Random(seed_, Purpose::pairing, kMixStream, round_++));
      at_ = 0;
    }
    // A scene that is the content itself is swapped with the next scene. The last scene of an order
    // is replaced by the scene before it.
    if (lists_.same && order_[at_] == content) {
      if (at_ + 1 == order_.size()) return order_[at_++ - 1];
      std::swap(order_[at_], order_[at_ + 1]);
    }
    return order_[at_++];
  }

 private:
  PairLists lists_;
  std::uint64_t seed_;
  std::uint32_t round_ = 0;
  std::vector<std::int32_t> order_;
  std::size_t at_ = 0;
};

}  // namespace

Pairing parse_pairing(const std::string& word) {
  static const std::array<std::string, 3> words{"random", "in-order", "all"};
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (word == words[i]) return static_cast<Pairing>(i);
  }
  user_error("--pairing ", word, ": expected random, in-order or all; did you mean ",
             nearest_name(word, words), "?");
}

Pairs pair_images(Pairing pairing, const PairLists& lists, std::int64_t count, std::uint64_t seed) {
  if (lists.contents < 1 || lists.scenes < 1) {
    user_error(lists.contents, " contents and ", lists.scenes,
               " scenes, expected at least one of each");
  }
  if (count < 0) user_error("--count ", count, ": expected at least 0");
  if (pairing == Pairing::random && lists.same && lists.scenes == 1) {
    user_error("one image alone cannot be mixed with another, expected at least 2");
  }
  const std::int64_t most = available(pairing, lists);
  if (pairing == Pairing::all && count > most) {
    user_error("--count ", count, ": there are ", most, " pairs in all");
  }
  const std::int64_t wanted = count == 0 ? most : count;
  if (wanted > kMostPairs) {
    user_error(wanted, " pairs, expected at most ", kMostPairs, ": choose fewer with --count");
  }
  Pairs pairs;
  SceneDraw draw(lists, seed);
  for (std::int64_t i = 0; i < wanted; ++i) {
    const std::int64_t content = pairing == Pairing::all ? i / lists.scenes : i % lists.contents;
    pairs.content.push_back(static_cast<std::int32_t>(content));
    pairs.scene.push_back(pairing == Pairing::random ? draw.next(content)
                                                     : static_cast<std::int32_t>(i % lists.scenes));
  }
  return pairs;
}

}  // namespace scimix

#include "trainers/hybrid_diversity.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "data/random_order.hpp"

namespace scimix {

namespace {

// Returns the mean distance between two different images of x [N,H,W,C], N >= 2.
double mean_distance(const Tensor& x) {
  const std::vector<double> values = x.to_doubles();
  const auto count = static_cast<std::size_t>(x.dim(0));
  const std::size_t size = values.size() / count;
  double sum = 0;
  for (std::size_t a = 0; a < count; ++a) {
    for (std::size_t b = a + 1; b < count; ++b) {
      double squares = 0;
      for (std::size_t i = 0; i < size; ++i) {
        const double difference = values[a * size + i] - values[b * size + i];
        squares += difference * difference;
      }
      sum += std::sqrt(squares / static_cast<double>(size));
    }
  }
  return sum / (static_cast<double>(count * (count - 1)) / 2.0);
}

// The mean of the added values; 0 if there are none.
struct Mean {
  double sum = 0;
  std::int64_t count = 0;
  void add(double value) {
    sum += value;
    ++count;
  }
  [[nodiscard]] double value() const { return count == 0 ? 0.0 : sum / static_cast<double>(count); }
};

// Returns up to `most` consecutive images of `from`, starting at a random position, without
// `anchor`.
std::vector<std::int32_t> others(const std::vector<std::int32_t>& from, std::int32_t anchor,
                                 std::int64_t most, Random& random) {
  std::vector<std::int32_t> found;
  const auto start = static_cast<std::size_t>(random.uniform() * static_cast<float>(from.size()));
  for (std::size_t i = 0; i < from.size() && std::ssize(found) < most; ++i) {
    const std::int32_t candidate = from[(start + i) % from.size()];
    if (candidate != anchor) found.push_back(candidate);
  }
  return found;
}

}  // namespace

Diversity measure_diversity(const Mixer& mixer, const ResidentSet& images,
                            const std::vector<std::int32_t>& labels, std::uint64_t seed,
                            std::int64_t anchors, std::int64_t partners) {
  const NoGrad no_grad;
  if (images.count() < 2) {
    user_error("diversity of ", images.count(), " images: expected at least 2 images");
  }
  const std::vector<std::int32_t> order =
      random_order(static_cast<std::size_t>(images.count()), Random(seed, Purpose::pairing, 2, 0));
  std::map<std::int32_t, std::vector<std::int32_t>> by_class;
  for (const std::int32_t image : order) {
    by_class[labels[static_cast<std::size_t>(image)]].push_back(image);
  }
  const auto pictures = [&](const std::vector<std::int32_t>& indices) {
    return images.plain(indices, DType::f32).images.value();
  };
  Mean over_scenes, real_scenes, over_contents, real_contents;
  const std::int64_t count = std::min(anchors, images.count());
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int32_t anchor = order[static_cast<std::size_t>(i)];
    Random random(seed, Purpose::pairing, 3, static_cast<std::uint32_t>(i));
    const auto compare = [&](const std::vector<std::int32_t>& varied, bool are_scenes,
                             Mean& hybrids, Mean& real) {
      if (varied.size() < 2) return;
      const Tensor fixed = pictures(std::vector<std::int32_t>(varied.size(), anchor));
      const Tensor changing = pictures(varied);
      const std::int64_t first = i * partners;
      hybrids.add(mean_distance(are_scenes ? mixer(fixed, changing, first)
                                           : mixer(changing, fixed, first)));
      real.add(mean_distance(changing));
    };
    compare(others(order, anchor, partners, random), true, over_scenes, real_scenes);
    const std::vector<std::int32_t>& class_of_another = by_class[labels[static_cast<std::size_t>(
        order[static_cast<std::size_t>((i + 1) % images.count())])]];
    compare(others(class_of_another, anchor, partners, random), false, over_contents,
            real_contents);
  }
  return {.hybrids_over_scenes = over_scenes.value(),
          .real_scenes = real_scenes.value(),
          .hybrids_over_contents = over_contents.value(),
          .real_contents = real_contents.value()};
}

}  // namespace scimix

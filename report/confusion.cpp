#include "report/confusion.hpp"

#include <algorithm>
#include <numeric>

#include "core/error.hpp"

namespace scimix {

namespace {

double share(std::int64_t hits, std::int64_t trials) {
  return trials == 0 ? 0.0 : static_cast<double>(hits) / static_cast<double>(trials);
}

}  // namespace

Confusion::Confusion(std::int64_t number)
    : classes(number),
      counts(static_cast<std::size_t>(number * number)),
      undecided(static_cast<std::size_t>(number)) {}

std::int64_t Confusion::count(std::int64_t label, std::int64_t prediction) const {
  SCIMIX_CHECK(label >= 0 && label < classes && prediction >= 0 && prediction < classes, "label ",
               label, ", prediction ", prediction, " of ", classes, " classes");
  return counts[static_cast<std::size_t>(label * classes + prediction)];
}

std::int64_t Confusion::images(std::int64_t label) const {
  std::int64_t sum = undecided.at(static_cast<std::size_t>(label));
  for (std::int64_t p = 0; p < classes; ++p) sum += count(label, p);
  return sum;
}

std::int64_t Confusion::correct() const {
  std::int64_t sum = 0;
  for (std::int64_t label = 0; label < classes; ++label) sum += correct(label);
  return sum;
}

std::int64_t Confusion::images() const {
  return std::accumulate(counts.begin(), counts.end(),
                         std::accumulate(undecided.begin(), undecided.end(), std::int64_t{0}));
}

double Confusion::accuracy() const {
  return share(correct(), images());
}

double Confusion::class_accuracy(std::int64_t label) const {
  return share(correct(label), images(label));
}

std::vector<Mistake> frequent_mistakes(const Confusion& confusion, std::size_t most) {
  std::vector<Mistake> found;
  for (std::int64_t label = 0; label < confusion.classes; ++label) {
    for (std::int64_t p = 0; p < confusion.classes; ++p) {
      const std::int64_t images = confusion.count(label, p);
      if (p != label && images > 0) found.push_back({label, p, images});
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Mistake& a, const Mistake& b) { return a.images > b.images; });
  if (found.size() > most) found.resize(most);
  return found;
}

}  // namespace scimix

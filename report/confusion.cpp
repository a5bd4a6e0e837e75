#include "report/confusion.hpp"

#include <algorithm>
#include <numeric>

#include "core/error.hpp"

namespace scimix {

namespace {

double share(std::int64_t hits, std::int64_t trials) {
  return trials == 0 ? 0.0 : static_cast<double>(hits) / static_cast<double>(trials);
}

std::int64_t sum(const std::vector<std::int64_t>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), std::int64_t{0});
}

}  // namespace

Confusion::Confusion(std::int64_t classes)
    : classes_(classes),
      images_(static_cast<std::size_t>(classes)),
      undecided_(static_cast<std::size_t>(classes)) {}

void Confusion::add(std::int64_t label, std::int64_t prediction, std::int64_t images) {
  SCIMIX_CHECK(label >= 0 && label < classes_ && prediction >= 0 && prediction <= classes_,
               "label ", label, ", prediction ", prediction, " of ", classes_, " classes");
  SCIMIX_CHECK(images >= 0, images, " images");
  if (images == 0) return;
  images_[static_cast<std::size_t>(label)] += images;
  if (prediction == classes_) {
    undecided_[static_cast<std::size_t>(label)] += images;
  } else {
    cells_[{label, prediction}] += images;
  }
}

std::int64_t Confusion::count(std::int64_t label, std::int64_t prediction) const {
  SCIMIX_CHECK(label >= 0 && label < classes_ && prediction >= 0 && prediction < classes_, "label ",
               label, ", prediction ", prediction, " of ", classes_, " classes");
  const auto cell = cells_.find({label, prediction});
  return cell == cells_.end() ? 0 : cell->second;
}

std::int64_t Confusion::undecided(std::int64_t label) const {
  return undecided_.at(static_cast<std::size_t>(label));
}

std::int64_t Confusion::undecided() const {
  return sum(undecided_);
}

std::int64_t Confusion::correct() const {
  std::int64_t found = 0;
  for (std::int64_t label = 0; label < classes_; ++label) found += correct(label);
  return found;
}

std::int64_t Confusion::images(std::int64_t label) const {
  return images_.at(static_cast<std::size_t>(label));
}

std::int64_t Confusion::images() const {
  return sum(images_);
}

double Confusion::accuracy() const {
  return share(correct(), images());
}

double Confusion::class_accuracy(std::int64_t label) const {
  return share(correct(label), images(label));
}

std::vector<Mistake> frequent_mistakes(const Confusion& confusion, std::size_t most) {
  std::vector<Mistake> found;
  for (const auto& [cell, images] : confusion.cells()) {
    if (cell.first != cell.second) found.push_back({cell.first, cell.second, images});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Mistake& a, const Mistake& b) { return a.images > b.images; });
  if (found.size() > most) found.resize(most);
  return found;
}

std::vector<std::int64_t> worst_classes(const Confusion& confusion, std::size_t most) {
  std::vector<std::int64_t> found;
  for (std::int64_t label = 0; label < confusion.classes(); ++label) {
    if (confusion.images(label) > 0) found.push_back(label);
  }
  std::stable_sort(found.begin(), found.end(), [&](std::int64_t a, std::int64_t b) {
    const double of_a = confusion.class_accuracy(a);
    const double of_b = confusion.class_accuracy(b);
    return of_a != of_b ? of_a < of_b : confusion.images(a) > confusion.images(b);
  });
  if (found.size() > most) found.resize(most);
  return found;
}

}  // namespace scimix

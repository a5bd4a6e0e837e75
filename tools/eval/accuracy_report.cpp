#include "tools/eval/accuracy_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "report/interval.hpp"
#include "report/markup.hpp"

namespace scimix {

namespace {

constexpr std::size_t kMistakes = 10;
// With more classes than this, only the least accurate classes are printed.
constexpr std::int64_t kMostListedClasses = 50;
constexpr std::size_t kWorstClasses = 20;
// Up to this many classes, the JSON file holds the whole confusion matrix.
constexpr std::int64_t kMostMatrixClasses = 100;
constexpr std::int64_t kMostCharacters = 30;  // of a class name

std::string interval_text(const ShareInterval& interval) {
  return fmt::format("[{}, {}]", percent(interval.low, 2), percent(interval.high, 2));
}

nlohmann::ordered_json json_of(const ShareInterval& interval) {
  return {{"share", interval.share}, {"low", interval.low}, {"high", interval.high}};
}

// Pads a name on the right to `width` characters. Characters are counted here because fmt counts
// bytes that are not UTF-8 differently.
std::string padded(const std::string& name, std::int64_t width) {
  std::string out = shortened(name, kMostCharacters);
  const std::int64_t missing = width - character_count(out);
  return out.append(static_cast<std::size_t>(std::max<std::int64_t>(missing, 0)), ' ');
}

std::int64_t name_width(std::span<const std::string> names) {
  std::int64_t width = 5;  // "class"
  for (const std::string& name : names) width = std::max(width, character_count(name));
  return std::min(width, kMostCharacters);
}

// Prints all classes in their order, or only the least accurate classes if there are many.
void print_classes(std::ostream& out, const Confusion& confusion,
                   std::span<const std::string> names) {
  std::vector<std::int64_t> shown(static_cast<std::size_t>(confusion.classes()));
  std::iota(shown.begin(), shown.end(), std::int64_t{0});
  if (confusion.classes() > kMostListedClasses) {
    shown = worst_classes(confusion, kWorstClasses);
    out << fmt::format("the {} least accurate of {} classes (--json FILE has all)\n", shown.size(),
                       confusion.classes());
  }
  const std::int64_t width = name_width(names);
  out << fmt::format("{} {:>7} {:>8} {:>9}  {}\n", padded("class", width), "images", "correct",
                     "accuracy", "95% interval");
  for (const std::int64_t label : shown) {
    const std::int64_t images = confusion.images(label);
    const ShareInterval interval = wilson_interval(confusion.correct(label), images);
    out << fmt::format("{} {:>7} {:>8} {:>9}  {}\n",
                       padded(names[static_cast<std::size_t>(label)], width), images,
                       confusion.correct(label), images == 0 ? "-" : percent(interval.share, 2),
                       images == 0 ? "-" : interval_text(interval));
  }
}

void print_mistakes(std::ostream& out, const Confusion& confusion,
                    std::span<const std::string> names) {
  const std::vector<Mistake> mistakes = frequent_mistakes(confusion, kMistakes);
  if (mistakes.empty()) return;
  const std::int64_t width = name_width(names);
  out << fmt::format("\nmost frequent confusions\n{} {} {:>7} {:>9}\n", padded("class", width),
                     padded("taken for", std::max<std::int64_t>(width, 9)), "images", "of class");
  for (const auto& [label, prediction, images] : mistakes) {
    const double share = static_cast<double>(images) / static_cast<double>(confusion.images(label));
    out << fmt::format(
        "{} {} {:>7} {:>9}\n", padded(names[static_cast<std::size_t>(label)], width),
        padded(names[static_cast<std::size_t>(prediction)], std::max<std::int64_t>(width, 9)),
        images, percent(share, 2));
  }
}

// Returns the rows of the whole matrix, including cells without images.
nlohmann::ordered_json rows_of(const Confusion& confusion) {
  auto rows = nlohmann::ordered_json::array();
  for (std::int64_t label = 0; label < confusion.classes(); ++label) {
    auto row = nlohmann::ordered_json::array();
    for (std::int64_t p = 0; p < confusion.classes(); ++p) row.push_back(confusion.count(label, p));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

void print_accuracy(std::ostream& out, const Confusion& confusion,
                    std::span<const std::string> class_names, const MedianAccuracy& median) {
  const ShareInterval all = wilson_interval(confusion.correct(), confusion.images());
  out << fmt::format("accuracy {} {}, 95% interval: {} of {} images\n", percent(all.share, 2),
                     interval_text(all), confusion.correct(), confusion.images());
  if (median.evaluations > 1) {
    out << fmt::format("median of the run's last {} evaluations {}\n", median.evaluations,
                       percent(median.accuracy, 2));
  }
  const std::int64_t undecided = confusion.undecided();
  if (undecided > 0) {
    out << fmt::format("{} images got no class: their logits are not numbers\n", undecided);
  }
  out << '\n';
  print_classes(out, confusion, class_names);
  print_mistakes(out, confusion, class_names);
}

nlohmann::ordered_json accuracy_json(const Confusion& confusion,
                                     std::span<const std::string> class_names,
                                     const MedianAccuracy& median) {
  nlohmann::ordered_json json{
      {"images", confusion.images()},
      {"correct", confusion.correct()},
      {"accuracy", json_of(wilson_interval(confusion.correct(), confusion.images()))}};
  if (median.evaluations > 0) {
    json["median_of_last_evaluations"] = {{"accuracy", median.accuracy},
                                          {"evaluations", median.evaluations}};
  }
  auto classes = nlohmann::ordered_json::array();
  auto undecided = nlohmann::ordered_json::array();
  for (std::int64_t i = 0; i < confusion.classes(); ++i) {
    const ShareInterval interval = wilson_interval(confusion.correct(i), confusion.images(i));
    classes.push_back({{"name", class_names[static_cast<std::size_t>(i)]},
                       {"images", confusion.images(i)},
                       {"correct", confusion.correct(i)},
                       {"accuracy", json_of(interval)}});
    undecided.push_back(confusion.undecided(i));
  }
  auto cells = nlohmann::ordered_json::array();
  for (const auto& [cell, images] : confusion.cells()) {
    cells.push_back({cell.first, cell.second, images});
  }
  json["classes"] = std::move(classes);
  json["confusion_cells"] = std::move(cells);
  if (confusion.classes() <= kMostMatrixClasses) json["confusion"] = rows_of(confusion);
  json["undecided"] = std::move(undecided);
  return json;
}

}  // namespace scimix

#include "report/class_results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "report/confusion_picture.hpp"
#include "report/interval.hpp"
#include "report/markup.hpp"

namespace scimix {

namespace {

constexpr std::size_t kClasses = 20;
constexpr std::size_t kPairs = 20;
constexpr std::int64_t kMostNameCharacters = 40;  // of a class name in a table
constexpr std::int64_t kSmallPicture = 8;  // classes whose confusion matrix fits a narrow screen

// A class name as a table shows it. A name that is cut has the whole one as its tooltip.
std::string name_html(const std::string& name) {
  const std::string shown = shortened(name, kMostNameCharacters);
  if (shown == name) return breakable_name(name);
  return fmt::format("<span title=\"{}\">{}</span>", escape_markup(shortened(name, 200)),
                     breakable_name(shown));
}

std::string class_table(const Confusion& confusion, std::span<const std::string> names) {
  const std::vector<std::int64_t> classes = worst_classes(confusion, kClasses);
  const bool all = std::ssize(classes) == confusion.classes();
  std::string out = fmt::format(
      "<table>\n<caption>{}</caption>\n<thead><tr><th scope=\"col\">class</th>"
      "<th scope=\"col\">correct</th><th scope=\"col\">accuracy</th>"
      "<th scope=\"col\">95% interval</th></tr></thead>\n<tbody>\n",
      all ? "All classes, the least accurate first"
          : fmt::format("The {} least accurate of {} classes", classes.size(),
                        confusion.classes()));
  for (const std::int64_t label : classes) {
    const ShareInterval interval =
        wilson_interval(confusion.correct(label), confusion.images(label));
    out += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{} of {}</td><td>{}</td><td>{:.0f} to "
        "{:.0f}%</td></tr>\n",
        name_html(names[static_cast<std::size_t>(label)]), confusion.correct(label),
        confusion.images(label), percent(interval.share, 1), 100 * interval.low,
        100 * interval.high);
  }
  return out + "</tbody>\n</table>\n";
}

std::string pair_table(const Confusion& confusion, std::span<const std::string> names) {
  const std::vector<Mistake> mistakes = frequent_mistakes(confusion, kPairs);
  if (mistakes.empty()) return {};
  std::string out =
      "<table class=\"pairs\">\n<caption>The most frequent mistakes</caption>\n<thead><tr>"
      "<th scope=\"col\">true class</th><th scope=\"col\">taken for</th>"
      "<th scope=\"col\">images</th><th scope=\"col\">of the true class</th></tr></thead>\n"
      "<tbody>\n";
  for (const auto& [label, prediction, images] : mistakes) {
    const double share = static_cast<double>(images) / static_cast<double>(confusion.images(label));
    out += fmt::format(
        "<tr><th scope=\"row\">{}</th><td class=\"word\">{}</td><td>{}</td><td>{}</td></tr>\n",
        name_html(names[static_cast<std::size_t>(label)]),
        name_html(names[static_cast<std::size_t>(prediction)]), images, percent(share, 1));
  }
  return out + "</tbody>\n</table>\n";
}

// How many classes have an accuracy from 0 to 10%, from 10 to 20% and so on, as bars.
std::string accuracy_bars(const Confusion& confusion) {
  std::array<std::int64_t, 10> counts{};
  for (std::int64_t label = 0; label < confusion.classes(); ++label) {
    if (confusion.images(label) == 0) continue;
    // In whole numbers, so that 7 of 10 images are 70%.
    const std::int64_t tenth = 10 * confusion.correct(label) / confusion.images(label);
    ++counts[static_cast<std::size_t>(std::min<std::int64_t>(tenth, 9))];
  }
  const std::int64_t most = *std::max_element(counts.begin(), counts.end());
  if (most == 0) return {};
  std::string out =
      "<table class=\"bars\">\n<caption>How many classes are how accurate</caption>\n"
      "<thead><tr><th scope=\"col\">accuracy</th><th scope=\"col\">classes</th></tr></thead>\n"
      "<tbody>\n";
  for (std::size_t tenth = 0; tenth < counts.size(); ++tenth) {
    out += fmt::format(
        "<tr><th scope=\"row\">{} to {}%</th><td><span class=\"bar\" "
        "style=\"width:{:.1f}%\"></span>"
        " {}</td></tr>\n",
        10 * tenth, 10 * (tenth + 1),
        80.0 * static_cast<double>(counts[tenth]) / static_cast<double>(most), counts[tenth]);
  }
  return out + "</tbody>\n</table>\n";
}

std::string without_images(const Confusion& confusion) {
  std::int64_t missing = 0;
  for (std::int64_t label = 0; label < confusion.classes(); ++label) {
    missing += confusion.images(label) == 0 ? 1 : 0;
  }
  std::string out;
  if (missing > 0) {
    out += fmt::format("<p>{} of the {} classes have no test image.</p>\n", missing,
                       confusion.classes());
  }
  if (confusion.undecided() > 0) {
    out += fmt::format(
        "<p>{} images got no class, because the network's output for them is not a number. They "
        "count as wrong.</p>\n",
        confusion.undecided());
  }
  return out;
}

}  // namespace

std::string class_results_html(const Confusion& confusion,
                               std::span<const std::string> class_names) {
  std::string out = without_images(confusion);
  out += "<div class=\"tables\">\n" + class_table(confusion, class_names) +
         pair_table(confusion, class_names);
  if (confusion.classes() > static_cast<std::int64_t>(kClasses)) out += accuracy_bars(confusion);
  out += "</div>\n<h3>Confusion matrix</h3>\n";
  out +=
      "<p>Each row holds the test images of one true class and shows what they were taken for. A "
      "perfect classifier has all of them on the diagonal.</p>\n";
  const std::string picture = confusion_svg(confusion, class_names);
  if (confusion.classes() <= kSmallPicture) return out + picture;
  // On a narrow screen, it keeps its size and can be scrolled.
  return out + "<div class=\"box\" tabindex=\"0\">\n" + picture + "</div>\n";
}

}  // namespace scimix

#include "report/confusion_picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.hpp"
#include "report/markup.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kMostCountedClasses = 20;
constexpr std::int64_t kMostCharacters = 16;  // of a class name
constexpr double kCharacter = 7.2;
// Where ink on the cell's colour changes from dark to light (or back, on a dark screen): there both
// have a contrast of 4.5.
constexpr double kStrong = 0.65;

// Colours stand in rules, not in variables, which programs other than browsers don't know.
constexpr std::string_view kStyle = R"(
.confusion text { font: 12px system-ui, sans-serif; font-variant-numeric: tabular-nums; fill: #1b1f24; }
.confusion .small { font-size: 10px; }
.confusion .title { fill: #57606a; }
.confusion .end { text-anchor: end; }
.confusion .mid { text-anchor: middle; }
.confusion .paper { fill: #ffffff; }
.confusion .cell { fill: #08306b; }
.confusion .empty { fill: none; stroke: #808890; stroke-opacity: 0.2; }
.confusion .diagonal { fill: none; stroke: #57606a; }
.confusion .strong { fill: #ffffff; }
@media screen and (prefers-color-scheme: dark) {
.confusion text { fill: #f2f4f6; }
.confusion .title { fill: #a3acb6; }
.confusion .paper { fill: #15181c; }
.confusion .cell { fill: #78aae6; }
.confusion .diagonal { stroke: #a3acb6; }
.confusion .strong { fill: #000000; }
}
)";

// Where things stand, in pixels.
struct Layout {
  double cell = 40;
  double left = 0;    // of the cells
  double top = 0;     // of the cells
  double right = 0;   // end of the cells
  double bottom = 0;  // end of the cells
  double width = 0;
  double height = 0;
  bool counts = true;    // in the cells
  bool upright = false;  // names of columns stand on end
  bool undecided = false;

  [[nodiscard]] double column(std::int64_t i) const { return left + cell * static_cast<double>(i); }
  [[nodiscard]] double row(std::int64_t i) const { return top + cell * static_cast<double>(i); }
  [[nodiscard]] const char* text_class() const { return counts ? "" : " small"; }
};

Layout layout_of(const Confusion& confusion, std::span<const std::string> names) {
  Layout l;
  l.counts = confusion.classes <= kMostCountedClasses;
  if (!l.counts) l.cell = 14;
  l.undecided = std::any_of(confusion.undecided.begin(), confusion.undecided.end(),
                            [](std::int64_t n) { return n > 0; });
  std::int64_t longest = l.undecided ? 4 : 1;  // "none"
  for (const std::string& name : names) longest = std::max(longest, character_count(name));
  const double label = kCharacter * static_cast<double>(std::min(longest, kMostCharacters));
  l.upright = label > l.cell - 4;
  l.left = 28 + label;
  l.top = 28 + (l.upright ? label : 14.0);
  l.right = l.column(confusion.classes + (l.undecided ? 1 : 0));
  l.bottom = l.row(confusion.classes);
  l.width = std::max(l.right + 64, 400.0);  // room for the scale
  l.height = l.bottom + 62;
  return l;
}

double share_of(std::int64_t images, std::int64_t all) {
  return all == 0 ? 0.0 : static_cast<double>(images) / static_cast<double>(all);
}

std::string text(double x, double y, const std::string& classes, std::string_view content,
                 const std::string& more = {}) {
  return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\"{}>{}</text>\n", classes, x, y,
                     more, escape_markup(content));
}

// The name of a class at the head of its column.
std::string column_name(const Layout& l, std::int64_t column, std::string_view name) {
  const double x = l.column(column) + l.cell / 2;
  const std::string shown = shortened(name, kMostCharacters);
  if (!l.upright) return text(x, l.top - 8, fmt::format("mid{}", l.text_class()), shown);
  return text(x + 4, l.top - 6, l.counts ? "column" : "column small", shown,
              fmt::format(R"x( transform="rotate(-90 {:.1f} {:.1f})")x", x + 4, l.top - 6));
}

std::string names_and_accuracies(const Layout& l, const Confusion& confusion,
                                 std::span<const std::string> names) {
  std::string out = text(l.left, 14, "title", "predicted");
  out += text(12, l.top, "title end", "label",
              fmt::format(R"x( transform="rotate(-90 12 {:.1f})")x", l.top));
  out += text(l.right + 56, l.top - 8, "title end", "correct");
  for (std::int64_t i = 0; i < confusion.classes; ++i) {
    const std::string& name = names[static_cast<std::size_t>(i)];
    const double y = l.row(i) + l.cell / 2 + 4;
    const std::string end = fmt::format("end{}", l.text_class());
    out += column_name(l, i, name);
    out += text(l.left - 8, y, end, shortened(name, kMostCharacters));
    if (confusion.images(i) > 0) {
      const std::string accuracy = fmt::format("{:.1f}%", 100 * confusion.class_accuracy(i));
      out += text(l.right + 56, y, end, accuracy);
    }
  }
  if (l.undecided) out += column_name(l, confusion.classes, "none");
  return out;
}

struct Cell {
  std::int64_t row = 0;
  std::int64_t column = 0;
  std::int64_t images = 0;
  double share = 0.0;  // of its row
};

std::string square(const Layout& l, const Cell& cell, const std::string& style) {
  return fmt::format(R"(<rect {} x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)", style,
                     l.column(cell.column) + 0.5, l.row(cell.row) + 0.5, l.cell - 1, l.cell - 1);
}

std::string filled_cell(const Layout& l, const Cell& cell, std::string_view label,
                        std::string_view prediction) {
  const double strength = std::sqrt(cell.share);
  std::string out = "<g><title>";
  out += escape_markup(fmt::format("{} taken for {}: {} images, {:.1f}% of {}", label, prediction,
                                   cell.images, 100 * cell.share, label));
  out += "</title>";
  out += square(l, cell, fmt::format(R"(class="cell" fill-opacity="{:.3f}")", strength));
  if (l.counts) {
    out += fmt::format(R"(<text class="mid{}" x="{:.1f}" y="{:.1f}">{}</text>)",
                       strength > kStrong ? " strong" : "", l.column(cell.column) + l.cell / 2,
                       l.row(cell.row) + l.cell / 2 + 4, cell.images);
  }
  return out + "</g>\n";
}

std::string cells(const Layout& l, const Confusion& confusion, std::span<const std::string> names) {
  std::string out;
  const std::int64_t columns = confusion.classes + (l.undecided ? 1 : 0);
  for (std::int64_t row = 0; row < confusion.classes; ++row) {
    const auto label = static_cast<std::size_t>(row);
    const std::int64_t all = confusion.images(row);
    for (std::int64_t column = 0; column < columns; ++column) {
      const bool none = column == confusion.classes;
      const std::int64_t images = none ? confusion.undecided[label] : confusion.count(row, column);
      const Cell cell{row, column, images, share_of(images, all)};
      out += images == 0 ? square(l, cell, R"(class="empty")") + "\n"
                         : filled_cell(l, cell, names[label],
                                       none ? "no class" : names[static_cast<std::size_t>(column)]);
    }
    out += square(l, {row, row}, R"(class="diagonal")") + "\n";
  }
  return out;
}

std::string scale(const Layout& l) {
  constexpr std::array<double, 6> kShares{0.01, 0.05, 0.10, 0.25, 0.50, 1.0};
  constexpr double kWidth = 36;
  std::string out = text(l.left, l.bottom + 24, "title", "share of the row's images");
  double x = l.left;
  for (const double share : kShares) {
    out += fmt::format(
        R"(<rect class="cell" fill-opacity="{:.3f}" x="{:.1f}" y="{:.1f}" width="{}" height="10"/>)",
        std::sqrt(share), x, l.bottom + 32, kWidth - 1);
    out += text(x + kWidth / 2, l.bottom + 56, "mid small", fmt::format("{:.0f}%", 100 * share));
    x += kWidth;
  }
  return out;
}

}  // namespace

std::string confusion_svg(const Confusion& confusion, std::span<const std::string> class_names) {
  SCIMIX_CHECK(std::ssize(class_names) == confusion.classes, class_names.size(), " names for ",
               confusion.classes, " classes");
  const Layout l = layout_of(confusion, class_names);
  const std::string summary = fmt::format(
      "Confusion matrix of {} classes: {} of {} images correct, {:.2f}%", confusion.classes,
      confusion.correct(), confusion.images(), 100 * confusion.accuracy());
  std::string out = fmt::format(
      R"(<svg class="confusion" xmlns="http://www.w3.org/2000/svg" width="{0:.0f}" height="{1:.0f}" viewBox="0 0 {0:.0f} {1:.0f}" role="img" aria-label="{2}">)",
      l.width, l.height, summary);
  out += fmt::format("\n<style>{}</style>\n", kStyle);
  out += R"(<rect class="paper" width="100%" height="100%"/>)"
         "\n";
  out += names_and_accuracies(l, confusion, class_names);
  out += cells(l, confusion, class_names);
  return out + scale(l) + "</svg>\n";
}

}  // namespace scimix

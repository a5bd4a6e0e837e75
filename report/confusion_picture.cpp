#include "report/confusion_picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "core/error.hpp"
#include "report/markup.hpp"

namespace scimix {

namespace {

// Up to this many classes, the cells show counts.
constexpr std::int64_t kMostCountedClasses = 20;
// Up to this many classes, every row has its name and every cell its tooltip.
constexpr std::int64_t kMostNamedClasses = 60;
// With more classes than this, a row stands for several neighbouring classes.
constexpr std::int64_t kMostRows = 200;
constexpr double kSmallCell = 14;       // of a row with a name, in pixels
constexpr double kLargestMatrix = 840;  // the side of a matrix whose cells are smaller than that
constexpr int kLevels = 12;             // of colour, where cells share an element
constexpr std::int64_t kMostCharacters = 16;  // of a class name
constexpr double kCharacter = 7.2;
// Where ink on the cell's colour changes from dark to light (or back, on a dark screen): there both
// have a contrast of 4.5.
constexpr double kStrong = 0.65;

// Colours are given in rules, not in variables, because programs other than browsers do not know
// variables.
constexpr std::string_view kStyle = R"(
.confusion text { font: 12px system-ui, sans-serif; font-variant-numeric: tabular-nums; fill: #1b1f24; }
.confusion .small { font-size: 10px; }
.confusion .title { fill: #57606a; }
.confusion .end { text-anchor: end; }
.confusion .mid { text-anchor: middle; }
.confusion .paper { fill: #ffffff; }
.confusion .cell { fill: #08306b; }
.confusion .grid { fill: none; stroke: #808890; stroke-opacity: 0.25; }
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

// The matrix as it is drawn: a row is one class, or a group of neighbouring classes.
struct Matrix {
  std::int64_t classes = 0;
  std::int64_t group = 1;                // classes per row
  std::int64_t rows = 0;                 // groups
  std::vector<std::int64_t> row_images;  // [rows]
  // Images by row and column, where there are any; the column `rows` is "no class".
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> cells;
  bool undecided = false;    // the column `rows` is drawn
  std::int64_t largest = 0;  // images in one cell

  [[nodiscard]] std::int64_t columns() const { return rows + (undecided ? 1 : 0); }
  [[nodiscard]] double share(std::int64_t row, std::int64_t images) const {
    const std::int64_t all = row_images[static_cast<std::size_t>(row)];
    return all == 0 ? 0.0 : static_cast<double>(images) / static_cast<double>(all);
  }
};

Matrix matrix_of(const Confusion& confusion) {
  Matrix m;
  m.classes = confusion.classes();
  m.group = (m.classes + kMostRows - 1) / kMostRows;
  m.rows = (m.classes + m.group - 1) / m.group;
  m.row_images.resize(static_cast<std::size_t>(m.rows));
  for (std::int64_t label = 0; label < m.classes; ++label) {
    const std::int64_t row = label / m.group;
    m.row_images[static_cast<std::size_t>(row)] += confusion.images(label);
    if (confusion.undecided(label) > 0) m.cells[{row, m.rows}] += confusion.undecided(label);
  }
  m.undecided = !m.cells.empty();
  for (const auto& [cell, images] : confusion.cells()) {
    m.cells[{cell.first / m.group, cell.second / m.group}] += images;
  }
  for (const auto& [cell, images] : m.cells) m.largest = std::max(m.largest, images);
  return m;
}

// Where things lie, in pixels.
struct Layout {
  double cell = 0;
  double left = 0;    // of the cells
  double top = 0;     // of the cells
  double right = 0;   // end of the cells
  double bottom = 0;  // end of the cells
  double width = 0;
  double height = 0;
  bool counts = true;           // in the cells
  bool named = true;            // every row has a name, every cell a tooltip
  bool upright = false;         // the names of columns stand on end
  std::int64_t name_every = 1;  // rows from one name to the next

  [[nodiscard]] double column(std::int64_t i) const { return left + cell * static_cast<double>(i); }
  [[nodiscard]] double row(std::int64_t i) const { return top + cell * static_cast<double>(i); }
  [[nodiscard]] const char* text_class() const { return counts ? "" : " small"; }
};

Layout layout_of(const Matrix& matrix, std::span<const std::string> names) {
  Layout l;
  l.counts = matrix.classes <= kMostCountedClasses;
  l.named = matrix.classes <= kMostNamedClasses;
  const double digits = static_cast<double>(std::to_string(matrix.largest).size());
  l.cell = l.counts  ? std::max(32.0, kCharacter * digits + 6)
           : l.named ? kSmallCell
                     : kLargestMatrix / static_cast<double>(matrix.rows);
  l.name_every = static_cast<std::int64_t>(std::ceil(kSmallCell / std::max(l.cell, 1e-3)));
  std::int64_t longest = matrix.undecided ? 4 : 1;  // "none"
  for (const std::string& name : names) longest = std::max(longest, character_count(name));
  const double label = kCharacter * static_cast<double>(std::min(longest, kMostCharacters));
  l.upright = label > l.cell - 4;
  l.left = 28 + label;
  l.top = 28 + (l.upright ? label : 14.0);
  l.right = l.column(matrix.columns());
  l.bottom = l.row(matrix.rows);
  l.width = std::max(l.right + (l.named ? 64 : 12), 400.0);  // room for the scale
  l.height = l.bottom + 62;
  return l;
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

std::string names_and_accuracies(const Layout& l, const Matrix& matrix,
                                 std::span<const std::string> names) {
  std::string out = text(l.left, 14, "title", "predicted class");
  out += text(12, l.top, "title end", "true class",
              fmt::format(R"x( transform="rotate(-90 12 {:.1f})")x", l.top));
  const std::string end = fmt::format("end{}", l.text_class());
  for (std::int64_t row = 0; row < matrix.rows; row += l.name_every) {
    const std::string& name = names[static_cast<std::size_t>(row * matrix.group)];
    out += column_name(l, row, name);
    out += text(l.left - 8, l.row(row) + l.cell / 2 + 4, end, shortened(name, kMostCharacters));
  }
  if (matrix.undecided) out += column_name(l, matrix.rows, "none");
  if (!l.named) return out;
  out += text(l.right + 56, l.top - 8, "title end", "correct");
  for (std::int64_t row = 0; row < matrix.rows; ++row) {
    if (matrix.row_images[static_cast<std::size_t>(row)] == 0) continue;
    const auto right = matrix.cells.find({row, row});
    const double share = right == matrix.cells.end() ? 0.0 : matrix.share(row, right->second);
    out +=
        text(l.right + 56, l.row(row) + l.cell / 2 + 4, end, fmt::format("{:.1f}%", 100 * share));
  }
  return out;
}

// Lines between the cells, or around all of them, and a frame around the correct ones.
std::string grid(const Layout& l, const Matrix& matrix) {
  std::string lines;
  for (std::int64_t i = 0; i <= matrix.columns(); i += l.named ? 1 : matrix.columns()) {
    lines += fmt::format("M{:.1f} {:.1f}V{:.1f}", l.column(i), l.top, l.bottom);
  }
  for (std::int64_t i = 0; i <= matrix.rows; i += l.named ? 1 : matrix.rows) {
    lines += fmt::format("M{:.1f} {:.1f}H{:.1f}", l.left, l.row(i), l.right);
  }
  std::string out = fmt::format("<path class=\"grid\" d=\"{}\"/>\n", lines);
  if (!l.named) return out;
  std::string frames;
  for (std::int64_t i = 0; i < matrix.rows; ++i) {
    frames += fmt::format("M{:.1f} {:.1f}h{:.1f}v{:.1f}h{:.1f}z", l.column(i) + 0.5, l.row(i) + 0.5,
                          l.cell - 1, l.cell - 1, 1 - l.cell);
  }
  return out + fmt::format("<path class=\"diagonal\" d=\"{}\"/>\n", frames);
}

// Each cell with a tooltip, and a count where there is room.
std::string cells_with_tooltips(const Layout& l, const Matrix& matrix,
                                std::span<const std::string> names) {
  std::string out;
  for (const auto& [cell, images] : matrix.cells) {
    const auto [row, column] = cell;
    const std::string& label = names[static_cast<std::size_t>(row)];
    const std::string prediction =
        column == matrix.rows ? "no class" : names[static_cast<std::size_t>(column)];
    const double share = matrix.share(row, images);
    const double strength = std::sqrt(share);
    out += fmt::format("<g><title>{}</title>",
                       escape_markup(fmt::format("{} taken for {}: {} images, {:.1f}% of {}", label,
                                                 prediction, images, 100 * share, label)));
    out += fmt::format(
        R"(<rect class="cell" fill-opacity="{:.3f}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>)",
        strength, l.column(column) + 0.5, l.row(row) + 0.5, l.cell - 1, l.cell - 1);
    if (l.counts) {
      out += fmt::format(R"(<text class="mid{}" x="{:.1f}" y="{:.1f}">{}</text>)",
                         strength > kStrong ? " strong" : "", l.column(column) + l.cell / 2,
                         l.row(row) + l.cell / 2 + 4, images);
    }
    out += "</g>\n";
  }
  return out;
}

// All cells of about one colour are one path. Its unit is a cell: a square takes a few bytes.
std::string cells_by_level(const Layout& l, const Matrix& matrix) {
  std::array<std::string, kLevels + 1> paths;
  for (const auto& [cell, images] : matrix.cells) {
    const double strength = std::sqrt(matrix.share(cell.first, images));
    const auto level = std::clamp(std::ceil(strength * kLevels), 1.0, double{kLevels});
    paths[static_cast<std::size_t>(level)] +=
        fmt::format("M{} {}h1v1h-1z", cell.second, cell.first);
  }
  std::string out = fmt::format(
      R"x(<g transform="translate({:.1f} {:.1f}) scale({:.4f})" shape-rendering="crispEdges">)x",
      l.left, l.top, l.cell);
  for (std::size_t level = 1; level < paths.size(); ++level) {
    if (paths[level].empty()) continue;
    out += fmt::format("\n<path class=\"cell\" fill-opacity=\"{:.3f}\" d=\"{}\"/>",
                       static_cast<double>(level) / kLevels, paths[level]);
  }
  return out + "</g>\n";
}

std::string scale(const Layout& l, const Matrix& matrix) {
  constexpr std::array<double, 6> kShares{0.01, 0.05, 0.10, 0.25, 0.50, 1.0};
  constexpr double kWidth = 36;
  std::string words = "share of the row's images";
  if (matrix.group > 1) {
    words += fmt::format("; a row and a column stand for {} neighbouring classes", matrix.group);
  }
  std::string out = text(l.left, l.bottom + 24, "title", words);
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
  SCIMIX_CHECK(std::ssize(class_names) == confusion.classes(), class_names.size(), " names for ",
               confusion.classes(), " classes");
  const Matrix matrix = matrix_of(confusion);
  const Layout l = layout_of(matrix, class_names);
  const std::string summary = fmt::format(
      "Confusion matrix of {} classes: {} of {} images correct, {:.2f}%", confusion.classes(),
      confusion.correct(), confusion.images(), 100 * confusion.accuracy());
  std::string out = fmt::format(
      R"(<svg class="confusion" xmlns="http://www.w3.org/2000/svg" width="{0:.0f}" height="{1:.0f}" viewBox="0 0 {0:.0f} {1:.0f}" role="img" aria-label="{2}">)",
      l.width, l.height, summary);
  out += fmt::format("\n<style>{}</style>\n", kStyle);
  out += R"(<rect class="paper" width="100%" height="100%"/>)"
         "\n";
  out += names_and_accuracies(l, matrix, class_names) + grid(l, matrix);
  out += l.named ? cells_with_tooltips(l, matrix, class_names) : cells_by_level(l, matrix);
  return out + scale(l, matrix) + "</svg>\n";
}

}  // namespace scimix

#include "report/line_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <numeric>

#include "report/chart_axis.hpp"
#include "report/markup.hpp"

namespace scimix {

namespace {

using Points = std::vector<Series::Point>;

constexpr double kWidth = 360;
constexpr double kPlotHeight = 150;
constexpr double kMargin = 8;
constexpr double kUnitHeight = 16;
constexpr double kBottom = 38;  // height of the labels below the plot
// The width of a character in a wide font. A gap is better than a label that is cut off.
constexpr double kCharacter = 7.2;
constexpr double kBoldCharacter = 8.8;
constexpr double kLineHeight = 14;
constexpr std::size_t kNameWidth = 14;     // characters to a line of a label
constexpr std::int64_t kColumns = 160;     // of points, more than can be told apart
constexpr std::size_t kDottedPoints = 24;  // lines of up to this many have each point marked
constexpr std::size_t kColours = 6;

// What is drawn of one series.
struct Line {
  std::string name;
  std::vector<Points> stretches;  // without gaps
  double last = 0.0;
  std::vector<std::string> label;  // name and last value
  std::size_t points = 0;
};

std::vector<Points> stretches_of(const Series& series) {
  std::vector<Points> all(1);
  for (const Series::Point& point : series.points) {
    if (std::isfinite(point.value)) {
      all.back().push_back(point);
    } else if (!all.back().empty()) {
      all.emplace_back();
    }
  }
  if (all.back().empty()) all.pop_back();
  return all;
}

std::vector<Line> lines_of(const LineChart& chart) {
  std::vector<Line> lines;
  for (const Series& series : chart.series) {
    Line line{.name = series.name, .stretches = stretches_of(series), .label = {}};
    if (line.stretches.empty()) continue;
    line.last = line.stretches.back().back().value;
    line.label = wrapped_name(series.name, kNameWidth);
    line.label.push_back(value_label(line.last, chart.percent));
    for (const Points& stretch : line.stretches) line.points += stretch.size();
    lines.push_back(std::move(line));
  }
  return lines;
}

// Appends the points of one column that M4 keeps.
void append_column(const Points& column, Points& kept) {
  const auto lower = [](const Series::Point& a, const Series::Point& b) {
    return a.value < b.value;
  };
  const auto [lowest, highest] = std::minmax_element(column.begin(), column.end(), lower);
  std::vector<std::ptrdiff_t> chosen{0, lowest - column.begin(), highest - column.begin(),
                                     std::ssize(column) - 1};
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  for (const std::ptrdiff_t i : chosen) kept.push_back(column[static_cast<std::size_t>(i)]);
}

double text_width(std::string_view text, double character) {
  return character * static_cast<double>(character_count(text));
}

double widest(const std::vector<std::string>& texts) {
  double most = 0;
  for (const std::string& text : texts) most = std::max(most, text_width(text, kCharacter));
  return most;
}

double label_width(const Line& line) {
  return std::max(widest(line.label), text_width(line.label.back(), kBoldCharacter));
}

// In percent, each tick shows the unit.
bool shows_unit(const LineChart& chart) {
  return !chart.unit.empty() && !chart.percent;
}

double label_height(const Line& line) {
  return kLineHeight * static_cast<double>(line.label.size()) + 4;
}

// The axes, and the rectangle in which lines are drawn.
struct Plot {
  Axis x;
  Axis y;
  double left = 0;
  double right = 0;
  double top = kMargin;
  double bottom = 0;
  std::int64_t last_step = 1;

  [[nodiscard]] double at_x(double step) const { return left + x.position(step) * (right - left); }
  [[nodiscard]] double at_y(double v) const { return bottom - y.position(v) * (bottom - top); }
};

Plot plot_of(const std::vector<Line>& lines, const LineChart& chart) {
  double low = lines[0].last;
  double high = low;
  double labels = 0;
  double label_rows = 0;
  Plot plot;
  for (const Line& line : lines) {
    for (const Points& stretch : line.stretches) {
      for (const auto& [step, value] : stretch) {
        low = std::min(low, value);
        high = std::max(high, value);
        plot.last_step = std::max(plot.last_step, step);
      }
    }
    labels = std::max(labels, label_width(line));
    label_rows += label_height(line);
  }
  plot.x = step_axis(plot.last_step, 4);
  plot.y = chart.percent ? share_axis(low, high, 4) : round_axis(low, high, 4);
  plot.left = widest(tick_labels(plot.y, chart.percent)) + 10;
  plot.right = kWidth - labels - 14;
  if (shows_unit(chart)) plot.top += kUnitHeight;
  plot.bottom = plot.top + std::max(kPlotHeight, label_rows);
  return plot;
}

std::string axes(const Plot& plot, const LineChart& chart) {
  std::string out;
  const auto y_labels = tick_labels(plot.y, chart.percent);
  for (std::size_t i = 0; i < y_labels.size(); ++i) {
    const double y = plot.at_y(plot.y.ticks[i]);
    out +=
        fmt::format(R"(<path class="grid" d="M{:.1f} {:.1f}H{:.1f}"/>)", plot.left, y, plot.right);
    out += fmt::format(R"(<text class="y" x="{:.1f}" y="{:.1f}">{}</text>)", plot.left - 6, y + 4,
                       y_labels[i]);
  }
  const auto x_labels = tick_labels(plot.x, false);
  for (std::size_t i = 0; i < x_labels.size(); ++i) {
    const double x = plot.at_x(plot.x.ticks[i]);
    out += fmt::format(R"(<path class="axis" d="M{:.1f} {:.1f}v4"/>)", x, plot.bottom);
    out += fmt::format(R"(<text class="x" x="{:.1f}" y="{:.1f}">{}</text>)", x, plot.bottom + 17,
                       x_labels[i]);
  }
  out += fmt::format(R"(<path class="axis" d="M{:.1f} {:.1f}H{:.1f}"/>)", plot.left, plot.bottom,
                     plot.right);
  out += fmt::format(R"(<text class="x" x="{:.1f}" y="{:.1f}">training step</text>)",
                     (plot.left + plot.right) / 2, plot.bottom + 32);
  if (shows_unit(chart)) {
    out += fmt::format(R"(<text x="2" y="10">{}</text>)", escape_markup(chart.unit));
  }
  return out;
}

std::string dot(const Plot& plot, const Series::Point& point) {
  return fmt::format(R"(<circle cx="{:.1f}" cy="{:.1f}" r="2"/>)",
                     plot.at_x(static_cast<double>(point.step)), plot.at_y(point.value));
}

std::string curve(const Plot& plot, const Line& line) {
  std::string out;
  for (const Points& stretch : line.stretches) {
    if (stretch.size() > 1) {
      out += R"(<polyline points=")";
      for (const auto& [step, value] : thinned(stretch, plot.last_step, kColumns)) {
        out +=
            fmt::format("{:.1f},{:.1f} ", plot.at_x(static_cast<double>(step)), plot.at_y(value));
      }
      out.back() = '"';
      out += "/>";
    }
    const bool dotted = stretch.size() == 1 || line.points <= kDottedPoints;
    if (!dotted) continue;
    for (const Series::Point& point : stretch) out += dot(plot, point);
  }
  return out;
}

// Returns the label, with its centre at `centre`, and a short stroke from the line's end to it.
std::string label(const Plot& plot, const Line& line, double centre) {
  std::string out = fmt::format(R"(<path class="leader" d="M{:.1f} {:.1f}L{:.1f} {:.1f}"/>)",
                                plot.right + 2, plot.at_y(line.last), plot.right + 9, centre);
  double y = centre - kLineHeight * static_cast<double>(line.label.size()) / 2 + 11;
  for (std::size_t i = 0; i < line.label.size(); ++i, y += kLineHeight) {
    const bool is_value = i + 1 == line.label.size();
    out += fmt::format(R"(<text{} x="{:.1f}" y="{:.1f}">{}</text>)",
                       is_value ? R"( class="value")" : "", plot.right + 12, y,
                       escape_markup(line.label[i]));
  }
  return out;
}

std::string description(const LineChart& chart, const std::vector<Line>& lines, const Plot& plot) {
  std::string out = fmt::format("{}, up to step {}:", chart.title, plot.last_step);
  for (const Line& line : lines) {
    out += fmt::format(" {} ends at {};", line.name, value_label(line.last, chart.percent));
  }
  out.pop_back();
  return escape_markup(out);
}

}  // namespace

std::string line_chart_svg(const LineChart& chart) {
  const std::vector<Line> lines = lines_of(chart);
  if (lines.empty()) return {};
  const Plot plot = plot_of(lines, chart);
  std::vector<LabelBox> boxes;
  for (const Line& line : lines) boxes.push_back({plot.at_y(line.last), label_height(line)});
  const std::vector<double> centres = placed_labels(boxes, plot.top, plot.bottom);
  std::string out = fmt::format(
      R"(<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">)",
      kWidth, plot.bottom + kBottom, description(chart, lines, plot));
  out += axes(plot, chart);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out += fmt::format("\n<g class=\"line line-{}{}\">", i % kColours,
                       i / kColours % 2 == 1 ? " dashed" : "");
    out += curve(plot, lines[i]) + label(plot, lines[i], centres[i]) + "</g>";
  }
  return out + "</svg>";
}

std::vector<Series::Point> thinned(const std::vector<Series::Point>& points, std::int64_t last_step,
                                   std::int64_t columns) {
  Points kept;
  Points column;
  std::int64_t at = 0;
  for (const Series::Point& point : points) {
    const std::int64_t here = point.step * columns / std::max<std::int64_t>(last_step, 1);
    if (here != at && !column.empty()) {
      append_column(column, kept);
      column.clear();
    }
    at = here;
    column.push_back(point);
  }
  if (!column.empty()) append_column(column, kept);
  return kept;
}

std::vector<std::string> wrapped_name(std::string_view name, std::size_t most) {
  std::vector<std::string> lines;
  bool space = true;  // before the next word
  while (!name.empty()) {
    const std::size_t end = std::min(name.find_first_of("_ "), name.size());
    const bool underscore = end < name.size() && name[end] == '_';
    const std::string word(name.substr(0, end + (underscore ? 1 : 0)));
    name.remove_prefix(std::min(end + 1, name.size()));
    if (!word.empty()) {
      const std::size_t gap = space ? 1 : 0;
      if (!lines.empty() && lines.back().size() + gap + word.size() <= most) {
        lines.back().append(gap, ' ').append(word);
      } else {
        lines.push_back(word);
      }
    }
    space = !underscore;
  }
  return lines;
}

std::vector<double> placed_labels(const std::vector<LabelBox>& labels, double top, double bottom) {
  std::vector<std::size_t> order(labels.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return labels[a].wanted < labels[b].wanted;
  });
  std::vector<double> centres(labels.size());
  double free_from = top;  // from top to bottom, each label is put below the one before
  for (const std::size_t i : order) {
    centres[i] = std::max(labels[i].wanted, free_from + labels[i].height / 2);
    free_from = centres[i] + labels[i].height / 2;
  }
  double free_to = bottom;  // from bottom to top, labels beyond the bottom are moved back
  for (auto i = order.rbegin(); i != order.rend(); ++i) {
    centres[*i] = std::min(centres[*i], free_to - labels[*i].height / 2);
    free_to = centres[*i] - labels[*i].height / 2;
  }
  return centres;
}

std::string_view line_chart_style() {
  return R"(.chart { display: block; width: 100%; height: auto; }
.chart text { font: 12px system-ui, sans-serif; font-variant-numeric: tabular-nums; fill: var(--muted); }
.chart .y { text-anchor: end; }
.chart .x { text-anchor: middle; }
.chart path, .chart polyline { fill: none; vector-effect: non-scaling-stroke; }
.chart .grid { stroke: var(--rule); stroke-width: 1; }
.chart .axis { stroke: var(--muted); stroke-width: 1; }
.chart polyline { stroke: var(--colour); stroke-width: 1.5; stroke-linejoin: round; }
.chart .dashed polyline { stroke-dasharray: 5 3; }
.chart circle { fill: var(--colour); }
.chart .leader { stroke: var(--colour); stroke-width: 1; opacity: 0.6; }
.chart .line text { fill: var(--colour); }
.chart .line .value { font-weight: 600; }
.line-0 { --colour: var(--line-0); }
.line-1 { --colour: var(--line-1); }
.line-2 { --colour: var(--line-2); }
.line-3 { --colour: var(--line-3); }
.line-4 { --colour: var(--line-4); }
.line-5 { --colour: var(--line-5); }
)";
}

}  // namespace scimix

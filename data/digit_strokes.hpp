// The shapes of the synthetic digits: centre lines of pen strokes, in several designs.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace scimix::digits {

struct Point {
  float x = 0;
  float y = 0;
};

// A polyline. Curves are already cut into short pieces.
struct Stroke {
  std::vector<Point> points;
  bool closed = false;  // the last point joins the first
};

// One digit in one design. x is centred, from -width/2 to width/2; y runs down from -0.5 (top) to
// 0.5 (baseline): lengths are in units of the digit's height.
struct Glyph {
  std::vector<Stroke> strokes;
  float width = 0;
};

struct Font {
  std::string_view name;
  float pen_contrast = 1;     // typical ratio of vertical to horizontal stroke width, >= 1
  std::vector<Glyph> glyphs;  // [10]
};

[[nodiscard]] std::span<const Font> fonts();

}  // namespace scimix::digits

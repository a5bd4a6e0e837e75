#include "data/digit_strokes.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <string>

#include "core/error.hpp"

namespace scimix::digits {
namespace {

// A design in a small path language, in a box of 100 x 100 with y down (curves may bulge out of it
// between their end points only through control points):
//   M x y                 start a stroke
//   L x y                 line
//   C x1 y1 x2 y2 x y     cubic Bezier
//   Z                     close the stroke
//   E cx cy rx ry         a whole ellipse, a stroke of its own
struct Design {
  std::string_view name;
  float aspect;  // width of the box for a height of 1
  float pen_contrast;
  std::array<std::string_view, 10> paths;
};

constexpr std::array<Design, 6> kDesigns = {{
    {"grotesque",
     0.58F,
     1.1F,
     {"M 50 0 C 88 0 100 24 100 50 C 100 76 88 100 50 100 C 12 100 0 76 0 50 C 0 24 12 0 50 0 Z",
      "M 15 22 C 40 20 58 12 62 0 L 62 100",
      "M 3 30 C 3 -10 97 -10 97 28 C 97 55 40 65 2 100 L 100 100",
      "M 5 24 C 8 -8 94 -8 94 25 C 94 42 75 47 38 47 C 80 47 100 55 100 74 C 100 109 5 109 0 74",
      "M 76 100 L 76 0 L 0 70 L 100 70",
      "M 92 0 L 20 0 L 10 49 C 30 33 100 30 100 66 C 100 111 8 111 0 76",
      "M 94 22 C 85 -8 0 -18 0 55 C 0 115 100 115 100 68 C 100 26 8 26 0 63",
      "M 0 0 L 100 0 C 65 35 45 65 38 100", "E 50 24 43 24 E 50 74 50 26",
      "M 6 78 C 15 108 100 118 100 45 C 100 -15 0 -15 0 32 C 0 74 92 74 100 37"}},
    {"geometric",
     0.66F,
     1.0F,
     {"E 50 50 50 50", "M 22 26 L 62 0 L 62 100",
      "M 5 30 C 5 -9 92 -9 92 28 C 92 42 85 52 75 60 L 5 100 L 97 100",
      "M 6 0 L 92 0 L 45 40 C 80 36 100 50 100 69 C 100 108 8 110 0 78",
      "M 28 0 L 4 64 L 98 64 M 72 36 L 72 100",
      "M 90 0 L 24 0 L 14 44 C 50 28 98 36 98 68 C 98 108 20 108 3 84",
      "M 68 0 L 12 52 E 50 69 47 31", "M 2 0 L 98 0 L 32 100", "E 50 23 36 23 E 50 73 46 27",
      "M 32 100 L 88 48 E 50 31 47 31"}},
    {"square",
     0.56F,
     1.0F,
     {"M 14 0 L 86 0 L 100 9 L 100 91 L 86 100 L 14 100 L 0 91 L 0 9 Z", "M 30 14 L 58 0 L 58 100",
      "M 0 8 L 12 0 L 88 0 L 100 8 L 100 42 L 88 50 L 12 50 L 0 58 L 0 100 L 100 100",
      "M 0 0 L 88 0 L 100 8 L 100 42 L 88 49 L 100 57 L 100 92 L 88 100 L 0 100 M 26 49 L 88 49",
      "M 4 0 L 4 56 L 100 56 M 80 0 L 80 100",
      "M 98 0 L 0 0 L 0 46 L 87 46 L 100 55 L 100 91 L 87 100 L 0 100",
      "M 95 0 L 13 0 L 0 9 L 0 91 L 13 100 L 87 100 L 100 91 L 100 56 L 87 47 L 0 47",
      "M 0 0 L 100 0 L 100 18 L 48 100",
      "M 13 0 L 87 0 L 97 8 L 97 41 L 87 48 L 100 57 L 100 92 L 87 100 L 13 100 L 0 92 L 0 57 "
      "L 13 48 L 3 41 L 3 8 Z M 13 48 L 87 48",
      "M 100 53 L 13 53 L 0 44 L 0 9 L 13 0 L 87 0 L 100 9 L 100 91 L 87 100 L 5 100"}},
    {"slab",
     0.60F,
     1.7F,
     {"E 50 50 44 50", "M 18 18 C 35 16 50 10 55 0 L 55 100 M 18 100 L 92 100",
      "M 8 34 C 0 20 20 0 50 0 C 75 0 92 12 92 30 C 92 55 30 70 5 100 L 96 100 L 98 82",
      "M 8 22 C 15 -6 88 -9 88 22 C 88 42 65 47 36 47 C 75 46 98 56 98 74 C 98 106 25 108 2 84",
      "M 70 100 L 70 0 L 0 70 L 100 70 M 46 100 L 94 100",
      "M 88 2 C 60 6 40 4 22 2 L 14 48 C 40 34 98 36 98 68 C 98 104 30 108 2 86",
      "M 88 4 C 40 2 4 40 4 68 C 4 111 96 111 96 68 C 96 34 30 34 6 62",
      "M 4 22 L 6 0 L 98 0 C 70 40 52 62 44 100",
      "M 50 47 C 0 38 4 0 50 0 C 96 0 98 36 50 47 C -14 62 -10 100 50 100 C 110 100 110 62 50 47 Z",
      "M 12 96 C 60 98 96 60 96 32 C 96 -11 4 -11 4 32 C 4 66 70 66 94 38"}},
    {"brush",
     0.62F,
     1.2F,
     {"M 60 0 C 20 0 0 30 2 60 C 5 90 30 100 50 100 C 85 98 100 60 98 40 C 96 10 80 0 52 3",
      "M 56 0 C 52 30 48 70 46 100",
      "M 8 25 C 12 -7 92 -9 90 25 C 88 55 45 75 10 96 C 0 82 30 80 45 92 C 65 104 85 100 98 88",
      "M 12 10 C 40 -9 90 -2 85 25 C 82 42 60 48 42 48 C 75 48 100 60 95 80 C 85 107 25 106 2 90",
      "M 30 0 C 25 25 15 45 4 62 C 35 60 65 60 98 58 M 78 25 C 72 50 68 75 66 100",
      "M 92 0 L 25 4 C 24 20 18 32 16 45 C 45 32 95 42 92 70 C 88 104 30 108 4 90",
      "M 75 0 C 30 20 0 50 5 78 C 10 107 90 107 92 75 C 92 48 30 45 8 75",
      "M 4 6 C 30 0 70 4 96 0 C 75 35 55 60 40 100 M 22 50 L 82 46",
      "M 85 18 C 75 -7 15 -7 15 22 C 15 50 95 50 92 78 C 90 107 5 107 8 78 C 10 52 85 45 85 18 Z",
      "M 90 22 C 80 -9 5 -7 8 30 C 10 58 80 58 90 22 C 92 50 85 80 70 100"}},
    {"narrow",
     0.40F,
     1.05F,
     {"M 50 0 C 90 0 100 10 100 26 L 100 74 C 100 90 90 100 50 100 C 10 100 0 90 0 74 L 0 26 "
      "C 0 10 10 0 50 0 Z",
      "M 50 0 L 50 100", "M 0 28 C 0 -9 100 -9 100 26 C 100 50 0 72 0 100 L 100 100",
      "M 0 22 C 0 -8 100 -8 100 24 C 100 40 80 48 42 48 C 80 48 100 56 100 74 C 100 108 0 108 0 76",
      "M 60 0 L 0 74 L 100 74 M 72 46 L 72 100",
      "M 96 0 L 6 0 L 2 48 C 20 34 100 34 100 60 L 100 74 C 100 108 0 108 0 78",
      "M 98 20 C 94 -7 0 -7 0 28 L 0 74 C 0 108 100 108 100 74 L 100 66 C 100 36 10 36 0 62",
      "M 0 12 L 0 0 L 100 0 C 62 40 44 70 40 100",
      "M 50 48 C 0 46 0 0 50 0 C 100 0 100 46 50 48 C -16 50 -16 100 50 100 C 116 100 116 50 50 48 "
      "Z",
      "M 2 80 C 6 107 100 107 100 72 L 100 26 C 100 -8 0 -8 0 26 L 0 34 C 0 64 90 64 100 38"}},
}};

constexpr int kCurvePieces = 10;

class PathReader {
 public:
  explicit PathReader(std::string_view path) : in_(std::string(path)) {}

  std::vector<Stroke> read() {
    for (char command = 0; in_ >> command;) {
      if (command == 'M') strokes_.push_back({{point()}, false});
      if (command == 'L') last().push_back(point());
      if (command == 'C') curve_to({point(), point(), point()});
      if (command == 'Z') strokes_.back().closed = true;
      if (command == 'E') ellipse();
      SCIMIX_CHECK(!in_.fail(), "bad stroke path after ", command);
    }
    return std::move(strokes_);
  }

 private:
  std::vector<Point>& last() { return strokes_.back().points; }

  Point point() {
    Point p;
    in_ >> p.x >> p.y;
    return p;
  }

  void curve_to(const std::array<Point, 3>& control) {
    const Point from = last().back();
    for (int i = 1; i <= kCurvePieces; ++i) {
      const float t = static_cast<float>(i) / kCurvePieces;
      const float s = 1 - t;
      const float b0 = s * s * s;
      const float b1 = 3 * s * s * t;
      const float b2 = 3 * s * t * t;
      const float b3 = t * t * t;
      last().push_back({b0 * from.x + b1 * control[0].x + b2 * control[1].x + b3 * control[2].x,
                        b0 * from.y + b1 * control[0].y + b2 * control[1].y + b3 * control[2].y});
    }
  }

  // Four cubics; 0.5523 makes each as good as a quarter of a circle.
  void ellipse() {
    const Point c = point();
    const Point r = point();
    const float kx = 0.5523F * r.x;
    const float ky = 0.5523F * r.y;
    strokes_.push_back({{{c.x, c.y - r.y}}, true});
    curve_to({{{c.x + kx, c.y - r.y}, {c.x + r.x, c.y - ky}, {c.x + r.x, c.y}}});
    curve_to({{{c.x + r.x, c.y + ky}, {c.x + kx, c.y + r.y}, {c.x, c.y + r.y}}});
    curve_to({{{c.x - kx, c.y + r.y}, {c.x - r.x, c.y + ky}, {c.x - r.x, c.y}}});
    curve_to({{{c.x - r.x, c.y - ky}, {c.x - kx, c.y - r.y}, {c.x, c.y - r.y}}});
  }

  std::istringstream in_;
  std::vector<Stroke> strokes_;
};

Glyph make_glyph(std::string_view path, float aspect) {
  Glyph glyph{PathReader(path).read(), 0};
  float left = 1e9F;
  float right = -1e9F;
  for (const Stroke& stroke : glyph.strokes) {
    for (const Point p : stroke.points) {
      left = std::min(left, p.x);
      right = std::max(right, p.x);
    }
  }
  glyph.width = (right - left) * aspect / 100;
  for (Stroke& stroke : glyph.strokes) {
    for (Point& p : stroke.points) {
      p = {(p.x - (left + right) / 2) * aspect / 100, p.y / 100 - 0.5F};
    }
  }
  return glyph;
}

std::vector<Font> make_fonts() {
  std::vector<Font> fonts;
  for (const Design& design : kDesigns) {
    Font font{design.name, design.pen_contrast, {}};
    for (const std::string_view path : design.paths) {
      font.glyphs.push_back(make_glyph(path, design.aspect));
    }
    fonts.push_back(std::move(font));
  }
  return fonts;
}

}  // namespace

std::span<const Font> fonts() {
  static const std::vector<Font> all = make_fonts();
  return all;
}

}  // namespace scimix::digits

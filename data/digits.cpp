#include "data/digits.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>

#include "core/error.hpp"
#include "core/random.hpp"
#include "data/digit_background.hpp"
#include "data/digit_canvas.hpp"
#include "data/digit_strokes.hpp"
#include "data/parallel.hpp"

namespace scimix {
namespace digits {
namespace {

constexpr int kClasses = 10;

// --- colours -----------------------------------------------------------------------------------

struct Scheme {
  Colour wall;
  Colour ink;
  float contrast = 0;  // difference of brightness, 0..255
};

// A colour of a given brightness (the mean of its channels) with a random, mostly faint, tint.
// Walls, paint and daylight vary between warm and cold far more than between green and magenta.
Colour tinted(Random& random, float brightness) {
  const float warmth = between(random, -1, 1);
  const float green = between(random, -0.35F, 0.35F);
  const float share = random.uniform();
  const float room = std::min(brightness, 255 - brightness);
  const float saturation = std::min(room, 90.0F) * share * share;
  return {brightness + saturation * (warmth - green / 2), brightness + saturation * green,
          brightness + saturation * (-warmth - green / 2)};
}

// Ink lighter or darker than the wall, by a contrast from faint to strong.
Scheme draw_scheme(Random& random) {
  const float share = random.uniform();
  const float contrast = 45 + 150 * share;
  const float darker = between(random, 15, 240 - contrast);
  const bool light_ink = random.below(2) == 0;
  Scheme scheme;
  scheme.contrast = contrast;
  scheme.wall = tinted(random, light_ink ? darker : darker + contrast);
  scheme.ink = tinted(random, light_ink ? darker + contrast : darker);
  return scheme;
}

// --- geometry ----------------------------------------------------------------------------------

// Takes a point of the row of digits (units of the digit's height, origin in the middle of the
// labelled digit) to pixels: slant, turn and scale, then a mild perspective.
class Placement {
 public:
  explicit Placement(Random& random) {
    height_ = between(random, 19, 29);
    const float stretch = between(random, 0.82F, 1.25F);
    const float slant = random.below(3) == 0 ? between(random, -0.1F, 0.35F) : 0.0F;
    const float t = between(random, -0.11F, 0.11F);  // tangent of half the turn: up to 12.5 degrees
    const float cosine = (1 - t * t) / (1 + t * t);
    const float sine = 2 * t / (1 + t * t);
    xx_ = height_ * cosine * stretch;
    xy_ = height_ * (-cosine * slant - sine);
    yx_ = height_ * sine * stretch;
    yy_ = height_ * (cosine - sine * slant);
    tilt_x_ = between(random, -0.006F, 0.006F);
    tilt_y_ = between(random, -0.006F, 0.006F);
    shift_x_ = between(random, -2, 2);
    shift_y_ = between(random, -2, 2);
  }

  [[nodiscard]] float height() const { return height_; }  // of a digit, in pixels

  [[nodiscard]] Point operator()(Point p) const {
    const float x = xx_ * p.x + xy_ * p.y;
    const float y = yx_ * p.x + yy_ * p.y;
    const float depth = 1 + tilt_x_ * x + tilt_y_ * y;
    return {x / depth + shift_x_ + kSide / 2.0F, y / depth + shift_y_ + kSide / 2.0F};
  }

 private:
  float height_, xx_, xy_, yx_, yy_, tilt_x_, tilt_y_, shift_x_, shift_y_;
};

// The pen: an upright ellipse, and flat or round ends.
struct Pen {
  float radius = 1;    // of a vertical stroke: half its width, in pixels
  float contrast = 1;  // horizontal strokes are thinner by this factor
  bool flat_ends = false;
};

// Signed distance to the ink in pixels: negative inside.
class InkDistance {
 public:
  // Distances above `reach` are not needed and may come out as `reach`.
  InkDistance(Pen pen, float reach) : pen_(pen), reach_(reach), distance_(reach) {}

  void add(const Stroke& stroke, Point origin, const Placement& place) {
    const std::size_t n = stroke.points.size();
    const std::size_t segments = stroke.closed ? n : n - 1;
    const auto at = [&](std::size_t i) {
      const Point p = stroke.points[i % n];
      return place({p.x + origin.x, p.y + origin.y});
    };
    for (std::size_t i = 0; i < segments; ++i) {
      const bool flat_start = pen_.flat_ends && !stroke.closed && i == 0;
      const bool flat_end = pen_.flat_ends && !stroke.closed && i + 1 == segments;
      add_segment(at(i), at(i + 1), flat_start, flat_end);
    }
  }

  [[nodiscard]] float at(int x, int y) const { return distance_.at(x, y); }

 private:
  // In a space stretched down by the pen's contrast, the pen is a circle.
  void add_segment(Point a, Point b, bool flat_start, bool flat_end) {
    const float stretch = pen_.contrast;
    const float dx = b.x - a.x;
    const float dy = (b.y - a.y) * stretch;
    const float length = std::sqrt(dx * dx + dy * dy);
    if (length < 1e-4F) return;
    const float margin = pen_.radius + reach_;
    const auto first = [&](float p, float q) {
      return static_cast<int>(std::clamp(std::min(p, q) - margin, 0.0F, kSide - 1.0F));
    };
    const auto last = [&](float p, float q) {
      return static_cast<int>(std::clamp(std::max(p, q) + margin, 0.0F, kSide - 1.0F));
    };
    for (int y = first(a.y, b.y); y <= last(a.y, b.y); ++y) {
      for (int x = first(a.x, b.x); x <= last(a.x, b.x); ++x) {
        const float px = static_cast<float>(x) + 0.5F - a.x;
        const float py = (static_cast<float>(y) + 0.5F - a.y) * stretch;
        const float along = (px * dx + py * dy) / length;
        const float across = std::fabs(px * dy - py * dx) / length;
        const float beyond = std::max(-along, along - length);
        const bool flat = along < 0 ? flat_start : flat_end;
        float distance = across - pen_.radius;
        if (beyond > 0) {
          distance = flat ? std::max(distance, beyond)
                          : std::sqrt(across * across + beyond * beyond) - pen_.radius;
        }
        distance_.at(x, y) = std::min(distance_.at(x, y), distance);
      }
    }
  }

  Pen pen_;
  float reach_;
  Grid<float> distance_;
};

// --- the picture -------------------------------------------------------------------------------

Pen draw_pen(Random& random, const Font& font, float height) {
  Pen pen;
  pen.radius = std::max(0.9F, height * between(random, 0.04F, 0.105F));
  pen.contrast = 1 + (font.pen_contrast - 1) * between(random, 0.6F, 1.4F);
  pen.flat_ends = random.below(2) == 0;
  return pen;
}

// The labelled digit, and with some luck a neighbour at either side in the same hand.
InkDistance draw_row(Random& random, int digit, const Font& font, const Pen& pen,
                     const Placement& place, float reach) {
  InkDistance ink(pen, reach);
  const auto add = [&](int which, Point origin) {
    for (const Stroke& stroke : font.glyphs[static_cast<std::size_t>(which)].strokes) {
      ink.add(stroke, origin, place);
    }
  };
  add(digit, {0, 0});
  const float stroke = 2 * pen.radius / place.height();
  for (const float side : {-1.0F, 1.0F}) {
    const bool present = random.below(100) < 55;
    const int neighbour = static_cast<int>(random.below(kClasses));
    const float gap = stroke + between(random, 0.07F, 0.35F);
    const float drop = between(random, -0.06F, 0.06F);
    const float widths = font.glyphs[static_cast<std::size_t>(digit)].width +
                         font.glyphs[static_cast<std::size_t>(neighbour)].width;
    if (present) add(neighbour, {side * (widths / 2 + gap), drop});
  }
  return ink;
}

// What may surround the ink: nothing, a rim, or the shadow of raised numerals.
struct Trim {
  enum class Kind { none, rim, shadow } kind = Kind::none;
  float width = 0;  // rim, in pixels
  int shift_x = 0;  // shadow, in pixels
  int shift_y = 0;
  float strength = 0;  // 0..1
};

Trim draw_trim(Random& random) {
  Trim trim;
  const std::uint32_t kind = random.below(10);
  trim.width = between(random, 0.6F, 1.6F);
  trim.shift_x = static_cast<int>(random.below(5)) - 2;
  trim.shift_y = static_cast<int>(random.below(2)) + 1;
  trim.strength = between(random, 0.25F, 0.6F);
  if (kind < 2) trim.kind = Trim::Kind::rim;
  if (kind >= 2 && kind < 5) trim.kind = Trim::Kind::shadow;
  return trim;
}

float coverage(float distance) {
  return clamp01(0.5F - distance);
}

void paint(Canvas& canvas, Random& random, const InkDistance& ink, const Scheme& scheme,
           const Trim& trim) {
  const float shade = between(random, -0.12F, 0.12F) * scheme.contrast;  // from top to bottom
  const Colour rim = mix(scheme.wall, scheme.ink, -trim.strength);       // beyond the wall's tone
  each_pixel([&](int x, int y) {
    Colour& pixel = canvas.at(x, y);
    const float distance = ink.at(x, y);
    if (trim.kind == Trim::Kind::rim) {
      pixel = mix(pixel, rim, coverage(distance - trim.width));
    }
    if (trim.kind == Trim::Kind::shadow) {
      const int from_x = std::clamp(x - trim.shift_x, 0, kSide - 1);
      const int from_y = std::clamp(y - trim.shift_y, 0, kSide - 1);
      pixel = pixel * (1 - trim.strength * coverage(ink.at(from_x, from_y)));
    }
    const float height = static_cast<float>(y) / kSide - 0.5F;
    pixel = mix(pixel, scheme.ink + shade * height, coverage(distance));
  });
}

// Blurs rows and columns with a bump (1 - (i/radius)^2)^2; a radius of 1 changes nothing.
Canvas blur(const Canvas& canvas, float radius_x, float radius_y) {
  constexpr int kReach = 3;
  const auto weights = [](float radius) {
    std::array<float, 2 * kReach + 1> w{};
    float sum = 0;
    for (int i = -kReach; i <= kReach; ++i) {
      const float q = static_cast<float>(i) / radius;
      const float bump = std::max(0.0F, 1 - q * q);
      sum += w[static_cast<std::size_t>(i + kReach)] = bump * bump;
    }
    for (float& value : w) value /= sum;
    return w;
  };
  const auto wx = weights(radius_x);
  const auto wy = weights(radius_y);
  Canvas half;
  Canvas result;
  each_pixel([&](int x, int y) {
    for (int i = -kReach; i <= kReach; ++i) {
      const Colour from = canvas.at(std::clamp(x + i, 0, kSide - 1), y);
      half.at(x, y) = half.at(x, y) + from * wx[static_cast<std::size_t>(i + kReach)];
    }
  });
  each_pixel([&](int x, int y) {
    for (int i = -kReach; i <= kReach; ++i) {
      const Colour from = half.at(x, std::clamp(y + i, 0, kSide - 1));
      result.at(x, y) = result.at(x, y) + from * wy[static_cast<std::size_t>(i + kReach)];
    }
  });
  return result;
}

// Near enough to a normal distribution of variance 1: four uniforms from the bytes of one word
// (variance of their sum: 4 (256^2 - 1) / 12 = 147.8^2).
float sensor_noise(Random& random) {
  const std::uint32_t word = random.bits();
  const std::uint32_t sum =
      (word & 255U) + ((word >> 8) & 255U) + ((word >> 16) & 255U) + (word >> 24);
  return (static_cast<float>(sum) - 510) / 147.8F;
}

void develop(const Canvas& canvas, Random& random, std::span<std::uint8_t> pixels) {
  const float share = random.uniform();
  const float grey_noise = 9 * share * share;
  const float colour_noise = grey_noise * between(random, 0, 0.5F);
  const auto store = [&](int at, float value) {
    pixels[static_cast<std::size_t>(at)] =
        static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F) + 0.5F);
  };
  each_pixel([&](int x, int y) {
    const Colour c = canvas.at(x, y) + grey_noise * sensor_noise(random);
    const int at = (y * kSide + x) * 3;
    store(at, c.r + colour_noise * sensor_noise(random));
    store(at + 1, c.g);
    store(at + 2, c.b + colour_noise * sensor_noise(random));
  });
}

// One picture of `digit`, [kSide, kSide, 3].
void draw(Random& random, int digit, std::span<std::uint8_t> pixels) {
  const Font& font = fonts()[random.below(static_cast<std::uint32_t>(fonts().size()))];
  const Scheme scheme = draw_scheme(random);
  const Placement place(random);
  const Pen pen = draw_pen(random, font, place.height());
  const Trim trim = draw_trim(random);
  const float reach = 3;  // more than the widest rim and the edge's softness
  const InkDistance ink = draw_row(random, digit, font, pen, place, reach);

  // A texture must not drown the ink.
  const float strength = between(random, 0.05F, 0.4F) * scheme.contrast;
  Canvas canvas = draw_background(random, scheme.wall, std::min(strength, 45.0F));
  paint(canvas, random, ink, scheme, trim);
  const Grid<float> light = draw_light(random);
  each_pixel([&](int x, int y) { canvas.at(x, y) = canvas.at(x, y) * light.at(x, y); });

  const float softness = random.uniform();
  const float radius = 1 + 2.2F * softness;
  const float stretch = between(random, 0.8F, 1);  // a little motion, across or down
  const bool across = random.below(2) == 0;
  canvas = blur(canvas, std::max(1.0F, across ? radius : radius * stretch),
                std::max(1.0F, across ? radius * stretch : radius));
  develop(canvas, random, pixels);
}

}  // namespace
}  // namespace digits

ImageSet draw_digits(std::int64_t count, std::uint64_t seed, DigitSet set) {
  SCIMIX_CHECK(count >= 0, "draw_digits: count ", count);
  ImageSet images;
  images.count = count;
  images.height = digits::kSide;
  images.width = digits::kSide;
  allocate_images(images, set == DigitSet::train ? "digits, training images (--digits-train)"
                                                 : "digits, test images (--digits-test)");
  const auto bytes = static_cast<std::size_t>(images.image_bytes());
  parallel_for_images(count, [&](std::int64_t i) {
    Random random(seed, Purpose::digits, static_cast<std::uint32_t>(set),
                  static_cast<std::uint32_t>(i));
    const int digit = static_cast<int>(i % digits::kClasses);
    digits::draw(random, digit,
                 std::span(images.pixels).subspan(static_cast<std::size_t>(i) * bytes, bytes));
    images.labels[static_cast<std::size_t>(i)] = digit;
  });
  return images;
}

Dataset load_digits(std::int64_t train, std::int64_t test, std::uint64_t seed) {
  if (train < digits::kClasses || test < digits::kClasses) {
    user_error("digits: ", train, " training and ", test, " test images, expected at least ",
               digits::kClasses, " of each");
  }
  Dataset dataset;
  dataset.name = "digits";
  dataset.train = draw_digits(train, seed, DigitSet::train);
  dataset.test = draw_digits(test, seed, DigitSet::test);
  for (int digit = 0; digit < digits::kClasses; ++digit) {
    dataset.class_names.push_back(std::to_string(digit));
  }
  dataset.flip_allowed = false;  // a mirrored 2 is no digit
  check_all_images(dataset, dataset.name);
  return dataset;
}

}  // namespace scimix

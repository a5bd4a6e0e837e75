#include "data/digit_background.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

namespace scimix::digits {
namespace {

// Pixel coordinates turned by a small random angle about the middle: no wall hangs quite straight.
class Tilt {
 public:
  Tilt(Random& random, float most) {
    const float t = between(random, -most, most) / 2;  // tangent of half the angle
    cosine_ = (1 - t * t) / (1 + t * t);
    sine_ = 2 * t / (1 + t * t);
  }
  [[nodiscard]] float u(int x, int y) const { return cosine_ * at(x) + sine_ * at(y); }
  [[nodiscard]] float v(int x, int y) const { return cosine_ * at(y) - sine_ * at(x); }

 private:
  static float at(int i) { return static_cast<float>(i) + 0.5F - kSide / 2.0F; }
  float cosine_;
  float sine_;
};

// 1 on a line of width `width` at every multiple of `period`, 0 beside it, soft over one pixel.
float line(float position, float period, float width) {
  const float nearest = std::floor(position / period + 0.5F) * period;
  return clamp01(width / 2 + 0.5F - std::fabs(position - nearest));
}

// A value in -1 .. 1 for a whole number: the tone of one brick or plank.
float tone(std::uint32_t salt, int a, int b) {
  const auto word = [](int i) { return static_cast<std::uint32_t>(i + 1000); };
  const std::uint32_t mixed =
      (salt ^ (word(a) * 0x9E3779B9U) ^ (word(b) * 0x85EBCA6BU)) * 0xC2B2AE35U;
  return static_cast<float>(mixed >> 16) / 32768.0F - 1;
}

void add_gradient(Canvas& canvas, Random& random, float strength) {
  const float across = between(random, -strength, strength) / kSide;
  const float down = between(random, -strength, strength) / kSide;
  each_pixel([&](int x, int y) {
    canvas.at(x, y) = canvas.at(x, y) + (across * static_cast<float>(x - kSide / 2) +
                                         down * static_cast<float>(y - kSide / 2));
  });
}

void add_stains(Canvas& canvas, Random& random, float strength) {
  const float cell = between(random, 2, 12);
  const Grid<float> noise = smooth_noise(random, cell, cell);
  each_pixel([&](int x, int y) { canvas.at(x, y) = canvas.at(x, y) + strength * noise.at(x, y); });
}

void add_bricks(Canvas& canvas, Random& random, float strength) {
  const Tilt tilt(random, 0.25F);
  const float height = between(random, 6, 14);
  const float length = height * between(random, 1.8F, 3);
  const float mortar = between(random, 0.8F, 2);
  const float groove = random.below(2) == 0 ? strength : -strength;
  const float shift_u = between(random, 0, length);
  const float shift_v = between(random, 0, height);
  const std::uint32_t salt = random.bits();
  each_pixel([&](int x, int y) {
    const float v = tilt.v(x, y) + shift_v;
    const int row = static_cast<int>(std::floor(v / height));
    const float u = tilt.u(x, y) + shift_u + ((row & 1) != 0 ? length / 2 : 0);
    const int column = static_cast<int>(std::floor(u / length));
    const float seam = std::max(line(v, height, mortar), line(u, length, mortar));
    const float brick = 0.5F * strength * tone(salt, row, column);
    canvas.at(x, y) = canvas.at(x, y) + (seam * groove + (1 - seam) * brick);
  });
}

void add_planks(Canvas& canvas, Random& random, float strength) {
  const Tilt tilt(random, 0.2F);
  const bool upright = random.below(3) == 0;
  const float width = between(random, 5, 16);
  const float gap = between(random, 0.6F, 1.8F);
  const float shift = between(random, 0, width);
  const std::uint32_t salt = random.bits();
  const Grid<float> grain = smooth_noise(random, upright ? 1.5F : 14, upright ? 14 : 1.5F);
  each_pixel([&](int x, int y) {
    const float v = (upright ? tilt.u(x, y) : tilt.v(x, y)) + shift;
    const float seam = line(v, width, gap);
    const float board = 0.4F * tone(salt, static_cast<int>(std::floor(v / width)), 0);
    canvas.at(x, y) =
        canvas.at(x, y) + strength * (board + 0.4F * grain.at(x, y) - (0.8F + board) * seam);
  });
}

// The digit stands on a plate in the base colour; its edges show at one or more sides, and another
// surface lies beyond.
void add_plate(Canvas& canvas, Random& random, float strength) {
  const Tilt tilt(random, 0.2F);
  const float left = between(random, -24, -11);
  const float right = between(random, 11, 24);
  const float top = between(random, -19, -13.5F);
  const float bottom = between(random, 13.5F, 19);
  const float rim = between(random, 0, 1.6F);
  const float rim_tone = between(random, -90, 90);
  const Colour beyond =
      Colour{between(random, 20, 230), between(random, 20, 230), between(random, 20, 230)};
  const float greyness = between(random, 0.5F, 1);
  const float grey = (beyond.r + beyond.g + beyond.b) / 3;
  const Colour outside = mix(beyond, {grey, grey, grey}, greyness);
  const Grid<float> stains = smooth_noise(random, 4, 4);
  each_pixel([&](int x, int y) {
    const float u = tilt.u(x, y);
    const float v = tilt.v(x, y);
    // Depth inside the plate in pixels, negative beyond its edge.
    const float depth = std::min(std::min(u - left, right - u), std::min(v - top, bottom - v));
    Colour& pixel = canvas.at(x, y);
    const float on_rim = clamp01(depth + 0.5F) * clamp01(rim + 0.5F - depth) * (rim > 0.5F ? 1 : 0);
    pixel = mix(pixel, pixel + rim_tone, on_rim);
    pixel = mix(outside + strength * stains.at(x, y), pixel, clamp01(depth + 0.5F));
  });
}

}  // namespace

Grid<float> smooth_noise(Random& random, float cell_x, float cell_y) {
  const int columns = static_cast<int>(kSide / cell_x) + 3;
  const int rows = static_cast<int>(kSide / cell_y) + 3;
  std::vector<float> lattice(static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows));
  for (float& value : lattice) value = between(random, -1, 1);
  const auto node = [&](int column, int row) {
    return lattice[static_cast<std::size_t>(row * columns + column)];
  };
  const float shift_x = random.uniform();
  const float shift_y = random.uniform();
  Grid<float> noise;
  each_pixel([&](int x, int y) {
    const float u = static_cast<float>(x) / cell_x + shift_x;
    const float v = static_cast<float>(y) / cell_y + shift_y;
    const int i = static_cast<int>(u);
    const int j = static_cast<int>(v);
    const float s = smoothstep(u - static_cast<float>(i));
    const float t = smoothstep(v - static_cast<float>(j));
    const float upper = node(i, j) * (1 - s) + node(i + 1, j) * s;
    const float lower = node(i, j + 1) * (1 - s) + node(i + 1, j + 1) * s;
    noise.at(x, y) = upper * (1 - t) + lower * t;
  });
  return noise;
}

Canvas draw_background(Random& random, Colour base, float strength) {
  Canvas canvas(base);
  add_gradient(canvas, random, strength);
  switch (random.below(10)) {
    case 0:
    case 1:
      add_bricks(canvas, random, strength);
      break;
    case 2:
    case 3:
      add_planks(canvas, random, strength);
      break;
    case 4:
    case 5:
    case 6:
      add_plate(canvas, random, strength);
      break;
    case 7:
    case 8:
      add_stains(canvas, random, strength);
      break;
    default:
      break;  // plain but for the gradient
  }
  return canvas;
}

Grid<float> draw_light(Random& random) {
  const Grid<float> unevenness = smooth_noise(random, 20, 20);
  const float amount = between(random, 0, 0.12F);
  Grid<float> light(1.0F);
  each_pixel([&](int x, int y) { light.at(x, y) = 1 + amount * unevenness.at(x, y); });
  if (random.below(5) != 0) return light;
  // The edge of a shadow: a straight line at any slope, soft over a few pixels.
  const float a = between(random, -1, 1);
  const float b = between(random, -1, 1);
  const float norm = std::sqrt(a * a + b * b) + 1e-3F;
  const float offset = between(random, -10, 10);
  const float softness = between(random, 1, 8);
  const float darkness = between(random, 0.15F, 0.5F);
  each_pixel([&](int x, int y) {
    const float px = static_cast<float>(x) - kSide / 2.0F;
    const float py = static_cast<float>(y) - kSide / 2.0F;
    const float inside = smoothstep(((a * px + b * py) / norm - offset) / softness + 0.5F);
    light.at(x, y) *= 1 - darkness * inside;
  });
  return light;
}

}  // namespace scimix::digits

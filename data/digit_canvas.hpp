// A small float picture and the few painting tools of the synthetic digits. Only + - * / and square
// roots are used, which IEEE 754 defines to the last bit: the same seed gives the same bytes on any
// machine, as long as the compiler does not fuse multiply-adds (-ffp-contract=off).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/random.hpp"

namespace scimix::digits {

inline constexpr int kSide = 32;

struct Colour {
  float r = 0;  // 0 .. 255, may leave the range before the final clamp
  float g = 0;
  float b = 0;
};

[[nodiscard]] inline Colour operator*(Colour c, float s) {
  return {c.r * s, c.g * s, c.b * s};
}
[[nodiscard]] inline Colour operator+(Colour a, Colour b) {
  return {a.r + b.r, a.g + b.g, a.b + b.b};
}
[[nodiscard]] inline Colour operator+(Colour c, float s) {
  return {c.r + s, c.g + s, c.b + s};
}

// `from` at share 0, `to` at share 1.
[[nodiscard]] inline Colour mix(Colour from, Colour to, float share) {
  return from * (1 - share) + to * share;
}

// Uniform in [lo, hi). Not Random::uniform(lo, hi), whose one copy in the program may have been
// compiled with fused multiply-adds.
[[nodiscard]] inline float between(Random& random, float lo, float hi) {
  return lo + (hi - lo) * random.uniform();
}

[[nodiscard]] inline float clamp01(float x) {
  return std::clamp(x, 0.0F, 1.0F);
}

[[nodiscard]] inline float smoothstep(float x) {
  x = clamp01(x);
  return x * x * (3 - 2 * x);
}

template <class T>
class Grid {  // [kSide rows, kSide columns]
 public:
  explicit Grid(T value = {}) { cells_.fill(value); }
  T& at(int x, int y) { return cells_[static_cast<std::size_t>(y * kSide + x)]; }
  const T& at(int x, int y) const { return cells_[static_cast<std::size_t>(y * kSide + x)]; }

 private:
  std::array<T, static_cast<std::size_t>(kSide) * kSide> cells_;
};

using Canvas = Grid<Colour>;

// Calls f(x, y) for every pixel.
template <class F>
void each_pixel(F&& f) {
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) f(x, y);
  }
}

}  // namespace scimix::digits

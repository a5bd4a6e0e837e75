// What stands behind (and falls onto) the synthetic digits.
#pragma once

#include "core/random.hpp"
#include "data/digit_canvas.hpp"

namespace scimix::digits {

// A wall of about the colour `base`: plain, a gradient, stains, bricks, planks or a number plate
// with a rim. Brightness varies by at most about `strength` (0..255) around `base`, but outside a
// plate.
[[nodiscard]] Canvas draw_background(Random& random, Colour base, float strength);

// A factor per pixel: uneven light, and now and then the edge of a cast shadow.
[[nodiscard]] Grid<float> draw_light(Random& random);

// Values in -1 .. 1 that change over `cell_x` and `cell_y` pixels (at least 1).
[[nodiscard]] Grid<float> smooth_noise(Random& random, float cell_x, float cell_y);

}  // namespace scimix::digits

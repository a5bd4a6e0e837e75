// Kernels over rows, called directly, in sizes and segments that the operators' cases do not have.
//
// On a GPU, a thread of these kernels loads two or four rows before it uses the first of them
// (for_rows in kernels/launch/row_chunks.hpp), and of each row 4 channels in f32 or 8 in bf16. A
// large tensor is divided among 528 blocks of 256 threads, so that a thread has four rows only in
// tensors of some million elements. The operators' cases are smaller, because a CPU runs them, too.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/random.hpp"
#include "kernels/elementwise/bias_act.hpp"
#include "kernels/modulate/modulate.hpp"
#include "kernels/modulate/to_rgb.hpp"
#include "kernels/norm/norm.hpp"
#include "skip.hpp"
#include "tests/differences.hpp"

using namespace scimix;
using scimix::test::relative_error;

namespace {

constexpr Device kGpu{Device::Kind::cuda, 0};

struct Range {
  float lo = -1;
  float hi = 1;
  bool both_signs = false;
};
// No value is near 0, where the slope of an activation jumps.
constexpr Range kApart{0.25F, 1.25F, true};
// The sum of many such gradients is not near 0, so that an error relative to it is small.
constexpr Range kGradient{-0.5F, 1.0F};
constexpr Range kFactor{0.5F, 1.5F};

// Repeats 10,007 random numbers, because millions would take longer than the kernels. It is a
// prime, so that rows whose channels are alike are 10,007 rows apart.
[[nodiscard]] Tensor draw(const Shape& shape, DType dtype, std::uint32_t item,
                          const Range& range = {}) {
  constexpr std::size_t kDrawn = 10'007;
  Random random(7, Purpose::test, 0, item);
  std::vector<double> drawn(kDrawn);
  for (double& value : drawn) {
    value = static_cast<double>(random.uniform(range.lo, range.hi));
    if (range.both_signs && random.below(2) == 0) value = -value;
  }
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = drawn[i % kDrawn];
  return Tensor::from(values, shape, dtype);
}

// Calls f(dtype, shape of two images) for sizes little above the smallest that serve. Blocks take
// 128 channels, so that there are two groups of them. In f32 a block has 36 rows for 8 lanes: each
// lane takes four rows at once, and half of them one more. In bf16 it has 53 rows for 16 lanes: 5
// lanes take four rows at once, and the others take their three rows one by one, or two and one. No
// image consists of whole blocks. A test of test_emulated_risks.cpp checks that threads have four
// rows.
template <class F>
void for_both_types(F f) {
  struct Images {
    DType dtype;
    Shape shape;
  };
  for (const Images& images :
       {Images{DType::f32, {2, 47, 99, 256}}, Images{DType::bf16, {2, 67, 103, 256}}}) {
    CAPTURE(std::string(name_of(images.dtype)));
    f(images.dtype, images.shape);
  }
}

using Results = std::vector<Tensor>;

// Lets `run` compute its results on both devices, and compares them. Numbers are up to 1 and more,
// so that one in the wrong place is far off. Rounded to bf16, the largest ones may differ by the
// step between two neighbours, 2^-7 = 0.0078 of them. In f32, sums of up to 7,000 products per
// channel are added up in another order, which changes them by some 1e-6; without one of its rows,
// a sum would change by 5e-5 or more.
template <class F>
void check_on_both(F run) {
  const Results expected = run(kCpu);
  const Results found = run(kGpu);
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(relative_error(found[i], expected[i]) < (found[i].dtype() == DType::bf16 ? 8e-3 : 1e-5));
  }
}

// The rows of all images in two segments, with statistics and parameters that normalise no value of
// kApart to a number near 0: without their mean such values are at least 0.15 in size, times
// factors of at least 0.64, and beta shifts them by at most 0.05.
struct Normalised {
  RowSegments segments;
  Tensor stats, gamma, beta;

  explicit Normalised(const Shape& shape) {
    const std::int64_t channels = shape[3];
    const std::int64_t rows = shape.numel() / channels;
    const std::int64_t lengths[] = {rows / 3, rows - rows / 3};
    segments = RowSegments::of(lengths, 1);
    constexpr Range kNearOne{0.8F, 1.2F};
    stats = draw({4, channels}, DType::f32, 11, kNearOne);
    for (const std::uint32_t mean : {0U, 2U}) {
      stats.rows(mean, mean + 1).copy_(draw({1, channels}, DType::f32, 12 + mean, {-0.1F, 0.1F}));
    }
    stats = stats.reshape({2, 2, channels});
    gamma = draw({channels}, DType::f32, 15, kNearOne);
    beta = draw({channels}, DType::f32, 16, {-0.05F, 0.05F});
  }
};

}  // namespace

TEST_CASE("row loops: the GPU adds a bias to several rows at once as the CPU does") {
  if (cuda_device_count() == 0) return skip_gpu_check("biases of several rows at once");
  for_both_types([](DType dtype, const Shape& shape) {
    const Tensor x = draw(shape, dtype, 1);
    const Tensor bias = draw({shape[3]}, DType::f32, 2);
    check_on_both([&](Device device) {
      Tensor y = Tensor::empty(shape, dtype, device);
      bias_act_forward(x.to(device), bias.to(device),
                       {.slope = 0.2, .gain = 1.4, .input_gain = 0.5}, y);
      return Results{y};
    });
  });
}

TEST_CASE("row loops: the GPU normalises several rows at once as the CPU does") {
  if (cuda_device_count() == 0) return skip_gpu_check("normalising several rows at once");
  for_both_types([](DType dtype, const Shape& shape) {
    const Normalised by(shape);
    const Tensor a = draw(shape, dtype, 1);
    const Tensor b = draw(shape, dtype, 2);
    for (const bool adds : {false, true}) {
      CAPTURE(adds);
      check_on_both([&](Device device) {
        Results out{Tensor::empty(shape, dtype, device)};
        if (adds) out.push_back(Tensor::empty(shape, dtype, device));
        norm_apply(a.to(device), adds ? b.to(device) : Tensor(), by.stats.to(device),
                   by.gamma.to(device), by.beta.to(device), by.segments, 0.1,
                   adds ? out[1] : Tensor(), out[0]);
        return out;
      });
    }
  });
}

TEST_CASE("row loops: the GPU's gradient of normalising several rows at once is the CPU's") {
  if (cuda_device_count() == 0) return skip_gpu_check("gradients of normalising several rows");
  for_both_types([](DType dtype, const Shape& shape) {
    const Normalised by(shape);
    const Tensor x = draw(shape, dtype, 1, kApart);
    const Tensor gy = draw(shape, dtype, 2);
    const Tensor gsum = draw(shape, dtype, 3);
    // Divided by the rows of a segment, 3,000 to 9,000, these are means of up to 1.
    const Tensor sums = draw({2, 2, shape[3]}, DType::f32, 4, {-3000, 3000});
    for (const bool adds : {false, true}) {
      CAPTURE(adds);
      check_on_both([&](Device device) {
        Tensor gx = Tensor::empty(shape, dtype, device);
        norm_backward_apply(gy.to(device), adds ? gsum.to(device) : Tensor(), x.to(device),
                            by.stats.to(device), by.gamma.to(device), by.beta.to(device),
                            sums.to(device), by.segments, 1, 0.1, gx);
        return Results{gx};
      });
    }
  });
}

TEST_CASE("row loops: the GPU modulates several pixels at once as the CPU does") {
  if (cuda_device_count() == 0) return skip_gpu_check("modulating several pixels at once");
  for_both_types([](DType dtype, const Shape& shape) {
    const Shape per_image{shape[0], shape[3]};
    const Tensor x = draw(shape, dtype, 1);
    const Tensor style = draw(per_image, DType::f32, 2, kFactor);
    const Tensor h = draw(shape, dtype, 3, kGradient);
    check_on_both([&](Device device) {
      Tensor u = Tensor::empty(shape, dtype, device);
      modulate_input(x.to(device), style.to(device), u);
      return Results{u};
    });
    check_on_both([&](Device device) {
      Tensor gx = Tensor::empty(shape, dtype, device);
      Tensor sums = Tensor::empty(per_image, DType::f32, device);
      modulate_input_backward(x.to(device), style.to(device), h.to(device), gx, sums);
      return Results{gx, sums};
    });
  });
}

TEST_CASE("row loops: the GPU finishes several pixels of a modulated convolution at once") {
  if (cuda_device_count() == 0) return skip_gpu_check("finishing several pixels at once");
  for_both_types([](DType dtype, const Shape& shape) {
    const Shape per_image{shape[0], shape[3]};
    const ModulatedOutput host{draw(per_image, DType::f32, 1, kFactor),
                               draw({shape[0], shape[1], shape[2]}, DType::f32, 2, {0.25F, 1.25F}),
                               draw({1}, DType::f32, 3, kFactor),
                               draw({shape[3]}, DType::f32, 4),
                               0.2,
                               1.4};
    const auto post = [&](Device device) -> ModulatedOutput {
      return {host.d.to(device),
              host.noise.to(device),
              host.strength.to(device),
              host.bias.to(device),
              host.slope,
              host.gain};
    };
    const Tensor v = draw(shape, dtype, 5);
    const Tensor y = draw(shape, dtype, 6, kApart);
    const Tensor gy = draw(shape, dtype, 7, kGradient);
    check_on_both([&](Device device) {
      Tensor out = Tensor::empty(shape, dtype, device);
      modulate_output(v.to(device), post(device), out);
      return Results{out};
    });
    check_on_both([&](Device device) {
      const auto sums = [&](const Shape& of) { return Tensor::empty(of, DType::f32, device); };
      Tensor gv = Tensor::empty(shape, dtype, device);
      Tensor e = sums(per_image);
      Tensor bias = sums({shape[3]});
      Tensor strength = sums({1});
      modulate_output_backward(gy.to(device), y.to(device), post(device),
                               {.v = gv, .e = e, .bias = bias, .strength = strength});
      return Results{gv, e, bias, strength};
    });
  });
}

TEST_CASE("row loops: the GPU's gradients of several pixels that become RGB are the CPU's") {
  if (cuda_device_count() == 0) return skip_gpu_check("gradients of several pixels to RGB at once");
  for_both_types([](DType dtype, const Shape& shape) {
    const Shape per_image{shape[0], shape[3]};
    const Shape rgb{shape[0], shape[1], shape[2], kRgb};
    const Tensor x = draw(shape, dtype, 1);
    const Tensor w = draw({kRgb, 1, 1, shape[3]}, dtype, 2);
    const Tensor style = draw(per_image, DType::f32, 3, kFactor);
    const Tensor bias = draw({kRgb}, DType::f32, 4);
    const Tensor y = draw(rgb, dtype, 5, kApart);
    const Tensor gy = draw(rgb, dtype, 6, kGradient);
    check_on_both([&](Device device) {
      const auto sums = [&](const Shape& of) { return Tensor::empty(of, DType::f32, device); };
      Tensor gx = Tensor::empty(shape, dtype, device);
      Tensor gw = sums(w.shape());
      Tensor gstyle = sums(per_image);
      Tensor gbias = sums({kRgb});
      to_rgb_backward(gy.to(device), y.to(device), x.to(device), w.to(device), style.to(device),
                      {bias.to(device), 0.2, 1.4},
                      {.x = gx, .w = gw, .style = gstyle, .bias = gbias});
      return Results{gx, gw, gstyle, gbias};
    });
  });
}

// ---- segments without rows ----------------------------------------------------------------------

namespace {

constexpr std::int64_t kRanks = 2;
constexpr std::int64_t kChannels = 8;
constexpr double kEps = 1e-5;
constexpr double kMomentum = 0.1;
constexpr double kBefore = 7;  // in all statistics before they are computed

// Statistics [S,2,C] and running statistics [C] of batch normalisation.
struct Statistics {
  std::vector<double> stats, running_mean, running_variance;

  explicit Statistics(int segments)
      : stats(static_cast<std::size_t>(segments * 2 * kChannels), kBefore),
        running_mean(static_cast<std::size_t>(kChannels), kBefore),
        running_variance(running_mean) {}
};

// By their definition, from x [ranks, rows of a rank, C].
Statistics defined(const Tensor& x, const RowSegments& segments) {
  Statistics out(segments.count);
  const std::vector<double> all = x.to_doubles();
  for (int s = 0; s < segments.count; ++s) {
    for (std::int64_t c = 0; c < kChannels && segments.rows(s) > 0; ++c) {
      const auto add_up = [&](auto term) {
        double sum = 0;
        for (std::int64_t rank = 0; rank < kRanks; ++rank) {
          for (std::int64_t row = segments.first[s]; row < segments.first[s + 1]; ++row) {
            sum += term(
                all[static_cast<std::size_t>((rank * segments.total() + row) * kChannels + c)]);
          }
        }
        return sum;
      };
      const auto count = static_cast<double>(kRanks * segments.rows(s));
      const double mean = add_up([](double value) { return value; }) / count;
      const double squares = add_up([&](double value) { return (value - mean) * (value - mean); });
      const auto at = static_cast<std::size_t>(2 * s * kChannels + c);
      out.stats[at] = mean;
      out.stats[at + kChannels] = 1 / std::sqrt(squares / count + kEps);
      if (s > 0) continue;
      const auto channel = static_cast<std::size_t>(c);
      out.running_mean[channel] += kMomentum * (mean - kBefore);
      out.running_variance[channel] += kMomentum * (squares / (count - 1) - kBefore);
    }
  }
  return out;
}

// Both ranks' moments are computed on one device, one after the other. Values are up to 1, and sums
// have at most 6 terms, so rounding in f32 costs some 1e-7.
void check_statistics_of_ranks(const std::vector<std::int64_t>& lengths, Device device) {
  const RowSegments segments = RowSegments::of(lengths, 1);
  const std::int64_t rows = segments.total();
  const Tensor x = draw({kRanks, rows, kChannels}, DType::f32, 1);
  Tensor moments = Tensor::empty({kRanks, segments.count, 2, kChannels}, DType::f32, device);
  for (std::int64_t rank = 0; rank < kRanks; ++rank) {
    norm_moments(x.to(device).rows(rank, rank + 1), Tensor(), segments, Tensor(),
                 moments.rows(rank, rank + 1).reshape({segments.count, 2, kChannels}));
  }
  const auto before = [&](const Shape& shape) {
    return Tensor::from(std::vector<double>(static_cast<std::size_t>(shape.numel()), kBefore),
                        shape, DType::f32, device);
  };
  Tensor stats = before({segments.count, 2, kChannels});
  Tensor mean = before({kChannels});
  Tensor variance = before({kChannels});
  norm_statistics_of_ranks(moments, segments, kEps, kMomentum, stats, mean, variance);

  const Statistics expected = defined(x, segments);
  CHECK(relative_error(stats.to_doubles(), expected.stats) < 1e-5);
  CHECK(relative_error(mean.to_doubles(), expected.running_mean) < 1e-5);
  CHECK(relative_error(variance.to_doubles(), expected.running_variance) < 1e-5);
  const std::vector<double> nothing(2 * kChannels, 0.0);
  const std::vector<double> untouched(2 * kChannels, kBefore);
  for (int s = 0; s < segments.count; ++s) {
    if (segments.rows(s) > 0) continue;
    CAPTURE(s);
    const Tensor flat = moments.reshape({kRanks * segments.count, 2 * kChannels});
    for (std::int64_t rank = 0; rank < kRanks; ++rank) {
      const std::int64_t row = rank * segments.count + s;
      CHECK(flat.rows(row, row + 1).to_doubles() == nothing);
    }
    CHECK(stats.rows(s, s + 1).to_doubles() == untouched);
  }
}

}  // namespace

// The first segment also moves the running statistics, so it is empty once.
TEST_CASE("row loops: the GPU and the CPU merge ranks' statistics past a segment without rows") {
  using Lengths = std::vector<std::int64_t>;
  for (const Lengths& lengths : {Lengths{2, 0, 3}, Lengths{0, 2, 3}}) {
    CAPTURE(lengths[0]);
    check_statistics_of_ranks(lengths, kCpu);
    if (cuda_device_count() > 0) check_statistics_of_ranks(lengths, kGpu);
  }
  if (cuda_device_count() == 0) skip_gpu_check("ranks' statistics past a segment without rows");
}

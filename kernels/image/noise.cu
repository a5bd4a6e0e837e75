#include <cmath>
#include <numbers>

#include "kernels/image/noise.hpp"
#include "kernels/launch/launch.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

constexpr int kPerDraw = 4;  // one Philox block of four words makes two pairs of normals

struct Normals {
  float value[kPerDraw];  // NOLINT: plain arrays run in device code
};

SCIMIX_HD inline Normals draw_normals(const NoiseAddress& address, std::uint32_t step,
                                      std::uint32_t block) {
  constexpr float kTwoPi = 2.0F * std::numbers::pi_v<float>;
  const PhiloxCounter random = philox(
      {{block, address.stream, step, static_cast<std::uint32_t>(address.purpose)}},
      {static_cast<std::uint32_t>(address.seed), static_cast<std::uint32_t>(address.seed >> 32)});
  Normals out{};
  for (int pair = 0; pair < kPerDraw; pair += 2) {
    // 24 bits each, exact in f32. 1 - u lies in (0, 1], so that the logarithm is finite.
    const float u = 1.0F - static_cast<float>(random.word[pair] >> 8) * 0x1p-24F;
    const float angle = kTwoPi * (static_cast<float>(random.word[pair + 1] >> 8) * 0x1p-24F);
    const float radius = std::sqrt(-2.0F * std::log(u));
    out.value[pair] = radius * std::cos(angle);
    out.value[pair + 1] = radius * std::sin(angle);
  }
  return out;
}

// The ways to use a drawn normal number: each functor gets an element and its number.
struct Replace {
  template <class T>
  SCIMIX_HD void operator()(T& element, float normal) const {
    element = static_cast<T>(normal);
  }
};

struct Add {
  float sigma;
  template <class T>
  SCIMIX_HD void operator()(T& element, float normal) const {
    element = static_cast<T>(static_cast<compute_t<T>>(element) +
                             static_cast<compute_t<T>>(sigma * normal));
  }
};

// The offset of element i, counted among the elements that get numbers.
struct Dense {
  SCIMIX_HD std::int64_t operator()(std::int64_t i) const { return i; }
};

struct Strided {
  std::int64_t channels, stride;
  SCIMIX_HD std::int64_t operator()(std::int64_t i) const {
    return i / channels * stride + i % channels;
  }
};

template <class T, class Use, class Offset>
void run(const Tensor& step, const NoiseAddress& address, Use use, std::int64_t channels,
         Offset offset_of, const Output& out) {
  const std::int32_t* now = step.data<std::int32_t>();
  T* target = out.data<T>();
  const NoiseAddress from = address;
  const std::int64_t row_size = out.numel() / out.dim(0) / out.dim(-1) * channels;
  // Every row begins with a new draw, whatever its size.
  const std::int64_t draws = (row_size + kPerDraw - 1) / kPerDraw;
  for_each(out.dim(0) * draws, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const std::int64_t row = i / draws;
    const std::int64_t first = i % draws * kPerDraw;
    const auto block = static_cast<std::uint32_t>(from.first_row * draws + i);
    const Normals normals = draw_normals(from, static_cast<std::uint32_t>(now[0]), block);
    for (int k = 0; k < kPerDraw && first + k < row_size; ++k) {
      use(target[offset_of(row * row_size + first + k)], normals.value[k]);
    }
  });
}

template <class Use>
void run_any(const char* op, const Tensor& step, const NoiseAddress& address, Use use,
             const Output& out) {
  SCIMIX_CHECK(out.rank() >= 2 && step.numel() == 1, op, ": step ", step.shape(), ", out ",
               out.shape());
  SCIMIX_CHECK(address.channels == 0 || (address.channels > 0 && address.channels <= out.dim(-1)),
               op, ": ", address.channels, " channels of ", out.shape());
  if (out.numel() == 0) return;
  const std::int64_t stride = out.dim(-1);
  dispatch_floating(out.dtype(), [&]<class T>(TypeTag<T>) {
    if (address.channels == 0 || address.channels == stride) {
      run<T>(step, address, use, stride, Dense{}, out);
    } else {
      const Strided offset_of{.channels = address.channels, .stride = stride};
      run<T>(step, address, use, address.channels, offset_of, out);
    }
  });
}

}  // namespace

void normal_noise(const Tensor& step, const NoiseAddress& address, const Output& out) {
  run_any("normal_noise", step, address, Replace{}, out);
}

void add_normal_noise(const Tensor& step, const NoiseAddress& address, float sigma,
                      const Output& images) {
  run_any("add_normal_noise", step, address, Add{.sigma = sigma}, images);
}

}  // namespace scimix::SCIMIX_BACKEND

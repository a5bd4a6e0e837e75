#include <cstring>
#include <type_traits>

#include "kernels/launch/image_chunks.hpp"
#include "kernels/launch/lanes.hpp"
#include "kernels/launch/launch.hpp"
#include "kernels/launch/row_chunks.hpp"
#include "kernels/modulate/to_rgb.hpp"
#include "kernels/reduce/reduce.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// The three rows of style w for N channels.
template <class C, int N>
struct StyledWeights {
  Lanes<C, N> red, green, blue;

  template <class T>
  SCIMIX_HD StyledWeights(const T* w, std::int64_t channels, const C* style) {
    const Lanes<C, N> factor = load_lanes<N>(style);
    red = load_lanes<N>(w) * factor;
    green = load_lanes<N>(w + channels) * factor;
    blue = load_lanes<N>(w + 2 * channels) * factor;
  }
};

// Returns the sum over lanes of a b.
template <class C, int N>
[[nodiscard]] SCIMIX_HD inline C dot(const Lanes<C, N>& a, const Lanes<C, N>& b) {
#if SCIMIX_GPU_CODE
  C sum = 0;
  for (int i = 0; i < N; ++i) sum += a[i] * b[i];
  return sum;
#else
  // One register at a time, so that the products stay in it.
  constexpr int kPart = Lanes<C, N>::kPart;
  auto products = a.part[0] * b.part[0];
  for (int i = 1; i < Lanes<C, N>::kParts; ++i) products += a.part[i] * b.part[i];
  C lane[kPart];  // NOLINT
  std::memcpy(lane, &products, sizeof lane);
  for (int half = kPart / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) lane[i] += lane[half + i];
  }
  return lane[0];
#endif
}

// ---- forward ------------------------------------------------------------------------------------

// A block takes a chunk of an image's pixels with all channels. Every thread keeps the weights of
// its pack of channels and writes the pack's partial sum of each product into scratch.
struct PixelChunks {
  std::int64_t pixels, channels, packs;
  std::int64_t chunk_rows, chunks;
  std::size_t scratch;
  std::int64_t images;

  PixelChunks(const Tensor& x, std::int64_t width, std::size_t element)
      : pixels(x.dim(1) * x.dim(2)), channels(x.dim(3)), packs(channels / width), images(x.dim(0)) {
    constexpr std::size_t kBytes = 24 * 1024;
    const std::size_t row = static_cast<std::size_t>(packs * kRgb) * element;
    chunk_rows = std::clamp<std::int64_t>(static_cast<std::int64_t>(kBytes / row), 1,
                                          std::max<std::int64_t>(pixels, 1));
    chunks = (pixels + chunk_rows - 1) / chunk_rows;
    scratch = static_cast<std::size_t>(chunk_rows) * row;
  }
  [[nodiscard]] std::int64_t blocks() const { return images * chunks; }
  [[nodiscard]] SCIMIX_HD RowTile tile(std::int64_t block) const {
    RowTile out{};
    out.chunk = block;
    out.segment = static_cast<int>(block / chunks);
    const std::int64_t begin = block % chunks * chunk_rows;
    out.first_row = out.segment * pixels + begin;
    out.rows = pixels - begin < chunk_rows ? pixels - begin : chunk_rows;
    out.channels = channels;
    return out;
  }
};

template <class T, int N>
void forward(const PixelChunks& grid, const T* x, const T* w, const compute_t<T>* style,
             const compute_t<T>* bias, compute_t<T> slope, compute_t<T> gain, T* y) {
  using C = compute_t<T>;
  using V = Lanes<C, N>;
  for_each_block(grid.blocks(), grid.scratch, [=] SCIMIX_KERNEL_FN(Block & block) {
    const RowTile tile = grid.tile(block.index());
    const RowLanes<N> share(tile);
    C* products = block.scratch<C>(tile.rows * grid.packs * kRgb);
    block.each(share.items(), [&](std::int64_t item) {
      const RowWalk walk = share.walk(item);
      const StyledWeights<C, N> weights(w + walk.channel, grid.channels,
                                        style + tile.segment * grid.channels + walk.channel);
      SCIMIX_UNROLL_ROWS
      for (std::int64_t row = walk.first; row < walk.end; row += walk.step) {
        const V value = load_lanes<N>(x + (tile.first_row + row) * grid.channels + walk.channel);
        C* mine = products + (row * grid.packs + walk.channel / N) * kRgb;
        mine[0] = dot(value, weights.red);
        mine[1] = dot(value, weights.green);
        mine[2] = dot(value, weights.blue);
      }
    });
    block.each(tile.rows * kRgb, [&](std::int64_t i) {
      const C* mine = products + i / kRgb * grid.packs * kRgb + i % kRgb;
      C sum = bias[i % kRgb];
      for (std::int64_t pack = 0; pack < grid.packs; ++pack) sum += mine[pack * kRgb];
      sum *= gain;
      y[tile.first_row * kRgb + i] = static_cast<T>(sum > C(0) ? sum : sum * slope);
    });
  });
}

// ---- backward -----------------------------------------------------------------------------------

// The gradient g with respect to the sum before the activation.
template <class T>
struct RgbCotangent {
  const T* gy;
  const T* y;
  compute_t<T> slope, gain;

  [[nodiscard]] SCIMIX_HD compute_t<T> operator()(std::int64_t i) const {
    using C = compute_t<T>;
    const C g = static_cast<C>(gy[i]) * gain;
    return static_cast<C>(y[i]) > C(0) ? g : g * slope;
  }
};

// gx = w^T g style if it is wanted. For each chunk, the sums over pixels of g x^T [3,C] and g [3].
template <class T, int N>
void backward(const ImageChunks& grid, const RgbCotangent<T>& cotangent, const T* x, const T* w,
              const compute_t<T>* style, T* gx, compute_t<T>* products, compute_t<T>* sums_of_g) {
  using C = compute_t<T>;
  using V = Lanes<C, N>;
  constexpr std::size_t kScratch = 26 * 1024;
  for_each_block(grid.blocks(), kScratch, [=] SCIMIX_KERNEL_FN(Block & block) {
    const RowTile tile = grid.tile(block.index());
    const RowLanes<N> share(tile);
    const std::int64_t corner = tile.first_row * grid.channels + tile.first_channel;
    C* sums = block.scratch<C>(share.lanes * tile.channels * kRgb);
    block.each(share.items(), [&](std::int64_t item) {
      const RowWalk walk = share.walk(item);
      const std::int64_t channel = tile.first_channel + walk.channel;
      const StyledWeights<C, N> weights(w + channel, grid.channels,
                                        style + tile.segment * grid.channels + channel);
      V red{};
      V green{};
      V blue{};
      const std::int64_t start = corner + walk.channel;
      struct Row {
        V value;
        C red, green, blue;  // of the cotangent
      };
      for_rows<2>(
          walk,
          [&](std::int64_t row) -> Row {
            const std::int64_t pixel = (tile.first_row + row) * kRgb;
            return {load_lanes<N>(x + start + row * grid.channels), cotangent(pixel),
                    cotangent(pixel + 1), cotangent(pixel + 2)};
          },
          [&](std::int64_t row, const Row& in) {
            red = red + in.value * in.red;
            green = green + in.value * in.green;
            blue = blue + in.value * in.blue;
            if (gx == nullptr) return;
            store_lanes<N>(
                gx + start + row * grid.channels,
                weights.red * in.red + weights.green * in.green + weights.blue * in.blue);
          });
      C* mine = sums + walk.lane * tile.channels * kRgb + walk.channel;
      store_lanes<N>(mine, red);
      store_lanes<N>(mine + tile.channels, green);
      store_lanes<N>(mine + 2 * tile.channels, blue);
    });
    combine_lanes(block, sums, share.lanes, tile.channels * kRgb);
    block.each(tile.channels * kRgb, [&](std::int64_t i) {
      const std::int64_t k = i / tile.channels;
      products[(tile.chunk * kRgb + k) * grid.channels + tile.first_channel + i % tile.channels] =
          sums[i];
    });
    if (tile.first_channel != 0) return;
    for (std::int64_t k = 0; k < kRgb; ++k) {
      const C total = block.template sum<C>(tile.rows, [&](std::int64_t row) {
        return cotangent((tile.first_row + row) * kRgb + k);
      });
      block.each(1, [&](std::int64_t) { sums_of_g[tile.chunk * kRgb + k] = total; });
    }
  });
}

// products [N,3,C]: gstyle[n,c] = the sum over k of w[k,c] products[n,k,c].
template <class T>
void style_gradient(std::int64_t images, std::int64_t channels, const compute_t<T>* products,
                    const T* w, compute_t<T>* gstyle) {
  using C = compute_t<T>;
  for_each(images * channels, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    const std::int64_t c = i % channels;
    C sum = 0;
    for (std::int64_t k = 0; k < kRgb; ++k) {
      sum +=
          static_cast<C>(w[k * channels + c]) * products[(i / channels * kRgb + k) * channels + c];
    }
    gstyle[i] = sum;
  });
}

// gw[k,c] = the sum over n of style[n,c] products[n,k,c].
template <class C, class G>
void weight_gradient(std::int64_t images, std::int64_t channels, const C* products, const C* style,
                     G* gw) {
  for_each(kRgb * channels, [=] SCIMIX_KERNEL_FN(std::int64_t i) {
    C sum = 0;
    for (std::int64_t n = 0; n < images; ++n) {
      sum += style[n * channels + i % channels] * products[n * kRgb * channels + i];
    }
    gw[i] = static_cast<G>(sum);
  });
}

}  // namespace

void to_rgb(const Tensor& x, const Tensor& w, const Tensor& style, const RgbOutput& post,
            const Output& y) {
  SCIMIX_CHECK(x.dim(3) <= kMostToRgbChannels, "to_rgb: x ", x.shape(), ", at most ",
               kMostToRgbChannels, " channels");
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) {
    using C = compute_t<T>;
    dispatch_lanes<T, 128>(x.dim(3), [&]<int N>(LaneCount<N>) {
      forward<T, N>(PixelChunks(x, N, sizeof(C)), x.data<T>(), w.data<T>(), style.data<C>(),
                    post.bias.data<C>(), static_cast<C>(post.slope), static_cast<C>(post.gain),
                    y.data<T>());
    });
  });
}

void to_rgb_backward(const Tensor& gy, const Tensor& y, const Tensor& x, const Tensor& w,
                     const Tensor& style, const RgbOutput& post, const ToRgbGradients& gradients) {
  const ImageChunks grid(x);
  const std::int64_t images = grid.images;
  const std::int64_t channels = grid.channels;
  const DType dtype = style.dtype();
  Tensor partial = Tensor::empty({grid.total_chunks(), kRgb, channels}, dtype, x.device());
  Tensor sums_of_g = Tensor::empty({grid.total_chunks(), kRgb}, dtype, x.device());
  Tensor products = Tensor::empty({images, kRgb, channels}, dtype, x.device());
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) {
    using C = compute_t<T>;
    const RgbCotangent<T> cotangent{gy.data<T>(), y.data<T>(), static_cast<C>(post.slope),
                                    static_cast<C>(post.gain)};
    dispatch_lanes<T>(channels, [&]<int N>(LaneCount<N>) {
      backward<T, N>(grid, cotangent, x.data<T>(), w.data<T>(), style.data<C>(),
                     data_or_null<T>(gradients.x), partial.data<C>(), sums_of_g.data<C>());
    });
    sum_middle(partial.reshape({images, grid.chunks, kRgb * channels}), products, 1.0);
    if (gradients.style.defined()) {
      style_gradient<T>(images, channels, products.data<C>(), w.data<T>(),
                        gradients.style.data<C>());
    }
    if (const Output& gw = gradients.w; gw.defined()) {
      const auto run = [&](auto* gradient) {
        weight_gradient(images, channels, products.data<C>(), style.data<C>(), gradient);
      };
      if constexpr (!std::is_same_v<T, C>) {
        if (gw.dtype() == dtype_of<T>) return run(gw.data<T>());
      }
      run(gw.data<C>());
    }
  });
  if (gradients.bias.defined()) {
    sum_middle(sums_of_g.reshape({1, grid.total_chunks(), kRgb}), gradients.bias, 1.0);
  }
}

}  // namespace scimix::SCIMIX_BACKEND

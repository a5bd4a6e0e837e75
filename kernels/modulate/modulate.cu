#include "kernels/launch/image_chunks.hpp"
#include "kernels/launch/lanes.hpp"
#include "kernels/launch/launch.hpp"
#include "kernels/launch/pixel_packs.hpp"
#include "kernels/modulate/modulate.hpp"
#include "kernels/reduce/reduce.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// Bytes of scratch for up to three sums per lane and channel: 256 threads of 8 channels on a GPU,
// kLaneChannels f64 values on a CPU.
constexpr std::size_t kScratch = 26 * 1024;

// ---- the input side -----------------------------------------------------------------------------

template <class T, int N>
void scale_in(const ImageChunks& grid, const T* x, const compute_t<T>* style, T* u) {
  for_each_block<4>(grid.blocks(), 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const RowTile tile = grid.tile(block.index());
    const RowLanes<N> share(tile);
    const std::int64_t corner = tile.first_row * grid.channels + tile.first_channel;
    const auto* factors = style + tile.segment * grid.channels + tile.first_channel;
    block.each(share.items(), [&](std::int64_t item) {
      const RowWalk walk = share.walk(item);
      const auto factor = load_lanes<N>(factors + walk.channel);
      const std::int64_t start = corner + walk.channel;
      for_rows(
          walk, [&](std::int64_t row) { return load_lanes<N>(x + start + row * grid.channels); },
          [&](std::int64_t row, const auto& value) {
            store_lanes<N>(u + start + row * grid.channels, value * factor);
          });
    });
  });
}

template <class T, int N>
void scale_in_backward(const ImageChunks& grid, const T* x, const compute_t<T>* style, const T* h,
                       T* gx, compute_t<T>* partial) {
  using C = compute_t<T>;
  using V = Lanes<C, N>;
  for_each_block<2>(grid.blocks(), kScratch, [=] SCIMIX_KERNEL_FN(Block & block) {
    const RowTile tile = grid.tile(block.index());
    const RowLanes<N> share(tile);
    const std::int64_t corner = tile.first_row * grid.channels + tile.first_channel;
    const C* factors = style + tile.segment * grid.channels + tile.first_channel;
    C* sums = block.scratch<C>(share.lanes * tile.channels);
    block.each(share.items(), [&](std::int64_t item) {
      const RowWalk walk = share.walk(item);
      const V factor = load_lanes<N>(factors + walk.channel);
      V sum{};
      const std::int64_t start = corner + walk.channel;
      struct Row {
        V value, gradient;
      };
      for_rows(
          walk,
          [&](std::int64_t row) -> Row {
            const std::int64_t at = start + row * grid.channels;
            return {load_lanes<N>(x + at), load_lanes<N>(h + at)};
          },
          [&](std::int64_t row, const Row& in) {
            sum = sum + in.value * in.gradient;
            if (gx != nullptr)
              store_lanes<N>(gx + start + row * grid.channels, in.gradient * factor);
          });
      store_lanes<N>(sums + walk.lane * tile.channels + walk.channel, sum);
    });
    combine_lanes(block, sums, share.lanes, tile.channels);
    block.each(tile.channels, [&](std::int64_t c) {
      partial[tile.chunk * grid.channels + tile.first_channel + c] = sums[c];
    });
  });
}

// ---- the output side ----------------------------------------------------------------------------

// ModulatedOutput as plain pointers.
template <class C>
struct Post {
  const C* d = nullptr;
  const C* noise = nullptr;
  const C* strength = nullptr;
  const C* bias = nullptr;
  C slope = 1, gain = 1;

  Post() = default;
  explicit Post(const ModulatedOutput& o)
      : d(data_or_null<C>(o.d)),
        noise(data_or_null<C>(o.noise)),
        strength(data_or_null<C>(o.strength)),
        bias(o.bias.data<C>()),
        slope(static_cast<C>(o.slope)),
        gain(static_cast<C>(o.gain)) {}

  [[nodiscard]] SCIMIX_HD C amplitude() const { return noise == nullptr ? C(0) : *strength; }
  [[nodiscard]] SCIMIX_HD C noise_at(std::int64_t pixel) const {
    return noise == nullptr ? C(0) : noise[pixel];
  }
  // Returns d for N channels of one sample; `at` is the index of the first one in d.
  template <int N>
  [[nodiscard]] SCIMIX_HD Lanes<C, N> factor(std::int64_t at) const {
    if (d == nullptr) return Lanes<C, N>{} + C(1);
    return load_lanes<N>(d + at);
  }
};

template <class T, int N>
void finish(const ImageChunks& grid, const Post<compute_t<T>>& post, const T* v, T* y) {
  using C = compute_t<T>;
  using V = Lanes<C, N>;
  for_each_block<2>(grid.blocks(), 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const RowTile tile = grid.tile(block.index());
    const RowLanes<N> share(tile);
    const std::int64_t corner = tile.first_row * grid.channels + tile.first_channel;
    const C amplitude = post.amplitude();
    block.each(share.items(), [&](std::int64_t item) {
      const RowWalk walk = share.walk(item);
      const std::int64_t channel = tile.first_channel + walk.channel;
      const V factor = post.template factor<N>(tile.segment * grid.channels + channel);
      const V shift = load_lanes<N>(post.bias + channel);
      const std::int64_t start = corner + walk.channel;
      struct Row {
        V value;
        C noise;
      };
      for_rows(
          walk,
          [&](std::int64_t row) -> Row {
            return {load_lanes<N>(v + start + row * grid.channels),
                    post.noise_at(tile.first_row + row)};
          },
          [&](std::int64_t row, const Row& in) {
            const V z = (in.value * factor + shift + amplitude * in.noise) * post.gain;
            store_lanes<N>(y + start + row * grid.channels, where_positive(z, z, z * post.slope));
          });
    });
  });
}

// Partial results of each block, null if they are not wanted. Sums over a chunk are [chunks, K].
// The sums for the noise are one per block.
template <class T>
struct Partial {
  T* v;
  compute_t<T>* products;  // of g and d v
  compute_t<T>* bias;
  compute_t<T>* strength;
};

template <class T, int N>
void finish_backward(const ImageChunks& grid, const Post<compute_t<T>>& post, const T* gy,
                     const T* y, const Partial<T>& out) {
  using C = compute_t<T>;
  using V = Lanes<C, N>;
  const C back_above = C(1) / post.gain;
  const C back_below = C(1) / (post.gain * post.slope);
  for_each_block<2>(grid.blocks(), kScratch, [=] SCIMIX_KERNEL_FN(Block & block) {
    const RowTile tile = grid.tile(block.index());
    const RowLanes<N> share(tile);
    const std::int64_t corner = tile.first_row * grid.channels + tile.first_channel;
    const C amplitude = post.amplitude();
    // Three sums per lane and channel: of g d v, g, and g noise.
    C* sums = block.scratch<C>(share.lanes * tile.channels * 3);
    block.each(share.items(), [&](std::int64_t item) {
      const RowWalk walk = share.walk(item);
      const std::int64_t channel = tile.first_channel + walk.channel;
      const V factor = post.template factor<N>(tile.segment * grid.channels + channel);
      const V shift = load_lanes<N>(post.bias + channel);
      V products{};
      V plain{};
      V noisy{};
      const std::int64_t start = corner + walk.channel;
      struct Row {
        V result, gradient;
        C noise;
      };
      for_rows<2>(
          walk,
          [&](std::int64_t row) -> Row {
            const std::int64_t at = start + row * grid.channels;
            return {load_lanes<N>(y + at), load_lanes<N>(gy + at),
                    post.noise_at(tile.first_row + row)};
          },
          [&](std::int64_t row, const Row& in) {
            const V g = in.gradient * post.gain;
            const V live = where_positive(in.result, g, g * post.slope);
            if (out.v != nullptr)
              store_lanes<N>(out.v + start + row * grid.channels, live * factor);
            if (out.products != nullptr) {
              const V z = where_positive(in.result, in.result * back_above, in.result * back_below);
              products = products + live * (z - shift - amplitude * in.noise);
            }
            plain = plain + live;
            if (out.strength != nullptr) noisy = noisy + live * in.noise;
          });
      C* mine = sums + walk.lane * tile.channels * 3 + walk.channel;
      store_lanes<N>(mine, products);
      store_lanes<N>(mine + tile.channels, plain);
      store_lanes<N>(mine + 2 * tile.channels, noisy);
    });
    combine_lanes(block, sums, share.lanes, tile.channels * 3);
    const std::int64_t target = tile.chunk * grid.channels + tile.first_channel;
    block.each(tile.channels, [&](std::int64_t c) {
      if (out.products != nullptr) out.products[target + c] = sums[c];
      if (out.bias != nullptr) out.bias[target + c] = sums[tile.channels + c];
    });
    if (out.strength == nullptr) return;
    const C* noisy = sums + 2 * tile.channels;
    const C total = block.template sum<C>(tile.channels, [&](std::int64_t c) { return noisy[c]; });
    block.each(1, [&](std::int64_t) { out.strength[block.index()] = total; });
  });
}

// The partial results of finish_backward, and the results made of them: e = -d^2 A / 2, where A is
// the sum of an image's chunks; the gradient of the bias, the sum of all chunks; and the gradient
// of the strength, the sum of all blocks.
template <class C>
struct OutputSums {
  const C* products = nullptr;
  const C* d = nullptr;
  C* e = nullptr;
  const C* bias_parts = nullptr;
  C* bias = nullptr;
  const C* strength_parts = nullptr;
  C* strength = nullptr;
};

// One launch computes all three: first the blocks of the bias, one per channel, then the block of
// the strength, then the blocks of e.
template <class C>
void merge_output_sums(const ImageChunks& grid, const OutputSums<C>& sums) {
  constexpr std::int64_t kItems = 256;
  const OutputSums<C> s = sums;
  const std::int64_t of_bias = s.bias != nullptr ? grid.channels : 0;
  const std::int64_t of_strength = s.strength != nullptr ? 1 : 0;
  const std::int64_t items = s.e != nullptr ? grid.images * grid.channels : 0;
  const std::int64_t blocks = of_bias + of_strength + (items + kItems - 1) / kItems;
  for_each_block(blocks, 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    std::int64_t index = block.index();
    if (index < of_bias) {
      const C sum = block.sum<C>(grid.total_chunks(), [&](std::int64_t chunk) {
        return s.bias_parts[chunk * grid.channels + index];
      });
      block.each(1, [&](std::int64_t) { s.bias[index] = sum; });
      return;
    }
    index -= of_bias;
    if (index < of_strength) {
      const C sum =
          block.sum<C>(grid.blocks(), [&](std::int64_t part) { return s.strength_parts[part]; });
      block.each(1, [&](std::int64_t) { *s.strength = sum; });
      return;
    }
    const std::int64_t first = (index - of_strength) * kItems;
    const std::int64_t count = items - first < kItems ? items - first : kItems;
    block.each(count, [&](std::int64_t item) {
      const std::int64_t i = first + item;
      const C* mine =
          s.products + i / grid.channels * grid.chunks * grid.channels + i % grid.channels;
      C sum = 0;
      for (std::int64_t chunk = 0; chunk < grid.chunks; ++chunk) {
        sum += mine[chunk * grid.channels];
      }
      s.e[i] = C(-0.5) * s.d[i] * s.d[i] * sum;
    });
  });
}

// ---- the filter of `up` -------------------------------------------------------------------------

constexpr std::int64_t kTaps = 4;
constexpr std::int64_t kFilterPad = 1;

// A block computes one line of the output for a group of channels. Line p of the output depends on
// the lines p - before .. p - before + 3 of the input. The same holds for columns.
struct FilterLines {
  std::int64_t images;
  std::int64_t in_h, in_w, out_h, out_w, channels;
  std::int64_t before;
  std::int64_t group, groups;

  // `element` is the size of a number in scratch. Scratch holds one line that is filtered
  // vertically, with as many channels as fit, in whole packs of any width.
  FilterLines(const Tensor& x, const Tensor& y, std::int64_t pad, std::size_t element)
      : images(x.dim(0)),
        in_h(x.dim(1)),
        in_w(x.dim(2)),
        out_h(y.dim(1)),
        out_w(y.dim(2)),
        channels(x.dim(3)),
        before(pad) {
    constexpr std::int64_t kGroup = 128;
    constexpr std::int64_t kWidestPack = 16;
    constexpr std::int64_t kBytes = 44 * 1024;
    group = std::clamp<std::int64_t>(channels, 1, kGroup);
    const auto bytes = [&] { return in_w * group * static_cast<std::int64_t>(element); };
    while (bytes() > kBytes && group > kWidestPack) {
      group = std::max(kWidestPack, group / 2 / kWidestPack * kWidestPack);
    }
    groups = (channels + group - 1) / group;
    scratch = static_cast<std::size_t>(bytes());
  }
  std::size_t scratch;

  [[nodiscard]] std::int64_t blocks() const { return images * out_h * groups; }
};

// The four inputs along one axis that an output coordinate depends on, with the weights [1,3,3,1]
// / 4. An input outside the image has weight zero, and its index is that of the nearest input
// inside.
struct FilterReach {
  std::int64_t at[4];  // NOLINT: plain arrays run in device code
  float weight[4];     // NOLINT

  SCIMIX_HD FilterReach(std::int64_t first, std::int64_t size) {
    for (int tap = 0; tap < 4; ++tap) {
      const std::int64_t i = first + tap;
      at[tap] = i < 0 ? 0 : i < size ? i : size - 1;
      weight[tap] = i != at[tap] ? 0.0F : tap == 0 || tap == 3 ? 0.25F : 0.75F;
    }
  }
  // Returns the sum over taps of weight times the pack at `from` + at stride.
  template <int N, class T>
  [[nodiscard]] SCIMIX_HD Lanes<compute_t<T>, N> sum(const T* from, std::int64_t stride) const {
    using C = compute_t<T>;
    return load_lanes<N>(from + at[0] * stride) * C(weight[0]) +
           load_lanes<N>(from + at[1] * stride) * C(weight[1]) +
           load_lanes<N>(from + at[2] * stride) * C(weight[2]) +
           load_lanes<N>(from + at[3] * stride) * C(weight[3]);
  }
};

// With kFinish, the pass also applies what follows the filter in the forward pass.
template <class T, int N, bool kFinish>
void filter_lines(const FilterLines& lines, const Post<compute_t<T>>& post, const T* x, T* y) {
  using C = compute_t<T>;
  using V = Lanes<C, N>;
  for_each_block(lines.blocks(), lines.scratch, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t line = block.index() / lines.groups;
    const std::int64_t image = line / lines.out_h;
    const std::int64_t first_channel = block.index() % lines.groups * lines.group;
    const std::int64_t left = lines.channels - first_channel;
    const std::int64_t channels = left < lines.group ? left : lines.group;

    C* column = block.scratch<C>(lines.in_w * channels);
    const T* source = x + image * lines.in_h * lines.in_w * lines.channels + first_channel;
    const FilterReach rows(line % lines.out_h - lines.before, lines.in_h);
    const PixelPacks<N> in{lines.in_w, channels};
    block.each(in.items(), [&](std::int64_t item) {
      const PixelWalk walk = in.walk(item);
      for (std::int64_t c = walk.first; c < walk.end; c += N) {
        store_lanes<N>(
            column + walk.pixel * channels + c,
            rows.sum<N>(source + walk.pixel * lines.channels + c, lines.in_w * lines.channels));
      }
    });

    const Post<C>& after = post;
    const PixelPacks<N> out{lines.out_w, channels};
    const C amplitude = after.amplitude();
    block.each(out.items(), [&](std::int64_t item) {
      const PixelWalk walk = out.walk(item);
      const FilterReach columns(walk.pixel - lines.before, lines.in_w);
      const std::int64_t pixel = line * lines.out_w + walk.pixel;
      const C noise = amplitude * after.noise_at(pixel);
      for (std::int64_t c = walk.first; c < walk.end; c += N) {
        V sum = columns.sum<N>(column + c, channels);
        if constexpr (kFinish) {
          const std::int64_t channel = first_channel + c;
          const V factor = after.template factor<N>(image * lines.channels + channel);
          const V z = (sum * factor + load_lanes<N>(after.bias + channel) + noise) * after.gain;
          sum = where_positive(z, z, z * after.slope);
        }
        store_lanes<N>(y + pixel * lines.channels + first_channel + c, sum);
      }
    });
  });
}

}  // namespace

// ---- what the header declares -------------------------------------------------------------------

void modulate_input(const Tensor& x, const Tensor& style, const Output& u) {
  const ImageChunks grid(x);
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) {
    dispatch_lanes<T, 128>(grid.channels, [&]<int N>(LaneCount<N>) {
      scale_in<T, N>(grid, x.data<T>(), style.data<compute_t<T>>(), u.data<T>());
    });
  });
}

void modulate_input_backward(const Tensor& x, const Tensor& style, const Tensor& h,
                             const Output& gx, const Output& sums) {
  if (!sums.defined()) return modulate_input(h, style, gx);
  const ImageChunks grid(x);
  Tensor partial = Tensor::empty({grid.total_chunks(), grid.channels}, sums.dtype(), sums.device());
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) {
    using C = compute_t<T>;
    dispatch_lanes<T, 128>(grid.channels, [&]<int N>(LaneCount<N>) {
      scale_in_backward<T, N>(grid, x.data<T>(), style.data<C>(), h.data<T>(), data_or_null<T>(gx),
                              partial.data<C>());
    });
  });
  sum_middle(partial.reshape({grid.images, grid.chunks, grid.channels}), sums, 1.0);
}

void modulate_output(const Tensor& v, const ModulatedOutput& post, const Output& y) {
  const ImageChunks grid(y);
  dispatch_floating(y.dtype(), [&]<class T>(TypeTag<T>) {
    using C = compute_t<T>;
    const Post<C> after(post);
    if (v.shape() != y.shape()) {
      const FilterLines lines(v, y, kFilterPad, sizeof(C));
      dispatch_lanes<T>(grid.channels, [&]<int N>(LaneCount<N>) {
        filter_lines<T, N, true>(lines, after, v.data<T>(), y.data<T>());
      });
      return;
    }
    dispatch_lanes<T, 128>(grid.channels, [&]<int N>(LaneCount<N>) {
      finish<T, N>(grid, after, v.data<T>(), y.data<T>());
    });
  });
}

void modulate_output_backward(const Tensor& gy, const Tensor& y, const ModulatedOutput& post,
                              const ModulatedOutputGradients& gradients) {
  const ImageChunks grid(y);
  const auto chunk_sums = [&](const Tensor& wanted) {
    if (!wanted.defined()) return Tensor();
    return Tensor::empty({grid.total_chunks(), grid.channels}, wanted.dtype(), wanted.device());
  };
  const Output products = chunk_sums(gradients.e);
  const Output bias = chunk_sums(gradients.bias);
  const Output strength =
      gradients.strength.defined()
          ? Tensor::empty({grid.blocks()}, gradients.strength.dtype(), y.device())
          : Tensor();
  dispatch_floating(y.dtype(), [&]<class T>(TypeTag<T>) {
    using C = compute_t<T>;
    const Partial<T> partial{data_or_null<T>(gradients.v), data_or_null<C>(products),
                             data_or_null<C>(bias), data_or_null<C>(strength)};
    dispatch_lanes<T, 128>(grid.channels, [&]<int N>(LaneCount<N>) {
      finish_backward<T, N>(grid, Post<C>(post), gy.data<T>(), y.data<T>(), partial);
    });
    merge_output_sums<C>(grid, {.products = partial.products,
                                .d = data_or_null<C>(post.d),
                                .e = data_or_null<C>(gradients.e),
                                .bias_parts = partial.bias,
                                .bias = data_or_null<C>(gradients.bias),
                                .strength_parts = partial.strength,
                                .strength = data_or_null<C>(gradients.strength)});
  });
}

void modulate_filter_adjoint(const Tensor& g, const Output& gv) {
  dispatch_floating(g.dtype(), [&]<class T>(TypeTag<T>) {
    using C = compute_t<T>;
    const FilterLines lines(g, gv, kTaps - 1 - kFilterPad, sizeof(C));
    dispatch_lanes<T>(lines.channels, [&]<int N>(LaneCount<N>) {
      filter_lines<T, N, false>(lines, Post<C>{}, g.data<T>(), gv.data<T>());
    });
  });
}

}  // namespace scimix::SCIMIX_BACKEND

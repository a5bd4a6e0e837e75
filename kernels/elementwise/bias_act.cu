#include "kernels/elementwise/bias_act.hpp"
#include "kernels/launch/lanes.hpp"
#include "kernels/launch/launch.hpp"
#include "kernels/launch/row_chunks.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// One sum per lane and channel.
constexpr std::size_t kScratch = 10 * 1024;

// All rows as one segment.
[[nodiscard]] RowChunks rows_of(const Tensor& x) {
  const std::int64_t channels = x.shape()[-1];
  const std::int64_t rows = channels == 0 ? 0 : x.numel() / channels;
  return {RowSegments::of({&rows, 1}, 1), channels};
}

// BiasActFactors in the type that a kernel computes in.
template <class C>
struct Factors {
  C slope, gain, input_gain;

  explicit Factors(const BiasActFactors& f)
      : slope(static_cast<C>(f.slope)),
        gain(static_cast<C>(f.gain)),
        input_gain(static_cast<C>(f.input_gain)) {}
};

template <class T, int N>
void forward(const RowChunks& grid, const T* x, const compute_t<T>* bias,
             const Factors<compute_t<T>>& factors, T* y) {
  using V = Lanes<compute_t<T>, N>;
  const Factors<compute_t<T>> f = factors;
  for_each_block<4>(grid.blocks(), 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const RowTile tile = grid.tile(block.index());
    const RowLanes<N> share(tile);
    const std::int64_t corner = tile.first_row * grid.channels + tile.first_channel;
    block.each(share.items(), [&](std::int64_t item) {
      const RowWalk walk = share.walk(item);
      const V shift = load_lanes<N>(bias + tile.first_channel + walk.channel);
      const std::int64_t start = corner + walk.channel;
      for_rows(
          walk, [&](std::int64_t row) { return load_lanes<N>(x + start + row * grid.channels); },
          [&](std::int64_t row, const V& value) {
            const V z = (value * f.input_gain + shift) * f.gain;
            store_lanes<N>(y + start + row * grid.channels, where_positive(z, z, z * f.slope));
          });
    });
  });
}

template <class T, int N>
void backward(const RowChunks& grid, const T* gy, const T* y, const Factors<compute_t<T>>& factors,
              T* gx, compute_t<T>* partial) {
  using C = compute_t<T>;
  using V = Lanes<C, N>;
  const Factors<C> f = factors;
  for_each_block<4>(grid.blocks(), kScratch, [=] SCIMIX_KERNEL_FN(Block & block) {
    const RowTile tile = grid.tile(block.index());
    const RowLanes<N> share(tile);
    const std::int64_t corner = tile.first_row * grid.channels + tile.first_channel;
    C* sums = block.scratch<C>(share.lanes * tile.channels);
    block.each(share.items(), [&](std::int64_t item) {
      const RowWalk walk = share.walk(item);
      V sum{};
      SCIMIX_UNROLL_ROWS
      for (std::int64_t row = walk.first; row < walk.end; row += walk.step) {
        const std::int64_t at = corner + row * grid.channels + walk.channel;
        const V g = load_lanes<N>(gy + at) * f.gain;
        const V live = where_positive(load_lanes<N>(y + at), g, g * f.slope);
        sum = sum + live;
        if (gx != nullptr) store_lanes<N>(gx + at, live * f.input_gain);
      }
      store_lanes<N>(sums + walk.lane * tile.channels + walk.channel, sum);
    });
    if (partial == nullptr) return;
    combine_lanes(block, sums, share.lanes, tile.channels);
    block.each(tile.channels, [&](std::int64_t c) {
      partial[(tile.first_channel + c) * grid.chunks() + tile.chunk] = sums[c];
    });
  });
}

// total[c] = the sum of partial[c][chunk].
template <class C>
void merge(const RowChunks& grid, const C* partial, C* total) {
  for_each_block(grid.channels, 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t channel = block.index();
    const C* mine = partial + channel * grid.chunks();
    const double sum = block.sum<double>(
        grid.chunks(), [&](std::int64_t i) { return static_cast<double>(mine[i]); });
    block.each(1, [&](std::int64_t) { total[channel] = static_cast<C>(sum); });
  });
}

}  // namespace

void bias_act_forward(const Tensor& x, const Tensor& bias, const BiasActFactors& factors,
                      const Tensor& y) {
  const RowChunks grid = rows_of(x);
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) {
    using C = compute_t<T>;
    dispatch_lanes<T, 128>(grid.channels, [&]<int N>(LaneCount<N>) {
      forward<T, N>(grid, x.data<T>(), bias.data<C>(), Factors<C>(factors), y.data<T>());
    });
  });
}

void bias_act_backward(const Tensor& gy, const Tensor& y, const BiasActFactors& factors,
                       const Tensor& gx, const Tensor& gbias) {
  const RowChunks grid = rows_of(y);
  dispatch_floating(y.dtype(), [&]<class T>(TypeTag<T>) {
    using C = compute_t<T>;
    const Tensor partial = gbias.defined() ? Tensor::empty({grid.channels, grid.chunks()},
                                                           gbias.dtype(), gbias.device())
                                           : Tensor();
    dispatch_lanes<T, 128>(grid.channels, [&]<int N>(LaneCount<N>) {
      backward<T, N>(grid, gy.data<T>(), y.data<T>(), Factors<C>(factors), data_or_null<T>(gx),
                     data_or_null<C>(partial));
    });
    if (gbias.defined()) merge<C>(grid, partial.data<C>(), gbias.data<C>());
  });
}

}  // namespace scimix::SCIMIX_BACKEND

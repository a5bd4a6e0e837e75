#include "kernels/launch/lanes.hpp"
#include "kernels/launch/launch.hpp"
#include "kernels/norm/norm.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// Two sums per lane and channel (256 threads of 8 channels on a GPU, kLaneChannels f64 values on a
// CPU), and a shift per channel.
constexpr std::size_t kScratch = 20 * 1024;

// The two partial sums of channel c in a chunk stand at [0][c][chunk] and [1][c][chunk]: merging
// reads along chunks.
[[nodiscard]] Tensor partial_sums(const RowChunks& grid, DType dtype, Device device) {
  return Tensor::empty({2, grid.channels, grid.chunks()}, dtype, device);
}

// ---- forward -----------------------------------------------------------------------------------

// N values of `a` from `at` on. With kAdd it is the sum with those of `b`, as its type stores it,
// which is written to `sum` on the way.
template <class T, int N, bool kAdd>
SCIMIX_HD inline Lanes<compute_t<T>, N> load_sum(const T* a, const T* b, T* sum, std::int64_t at) {
  Lanes<compute_t<T>, N> x = load_lanes<N>(a + at);
  if constexpr (kAdd) {
    x = rounded_lanes<T, N>(x + load_lanes<N>(b + at));
    store_lanes<N>(sum + at, x);
  }
  return x;
}

// Mean and sum of squared deviations of each chunk. Values are shifted by the chunk's first row
// before they are squared, which a large mean would otherwise cancel away.
template <class T, int N, bool kAdd>
void chunk_statistics(const RowChunks& grid, const T* a, const T* b, T* sum,
                      compute_t<T>* partial) {
  using C = compute_t<T>;
  using V = Lanes<C, N>;
  for_each_block<4>(grid.blocks(), kScratch, [=] SCIMIX_KERNEL_FN(Block & block) {
    const T* second = b;
    const RowTile tile = grid.tile(block.index());
    const RowLanes<N> share(tile);
    const std::int64_t corner = tile.first_row * grid.channels + tile.first_channel;
    C* sums = block.scratch<C>(share.lanes * tile.channels * 2);
    C* shifts = block.scratch<C>(tile.channels);
    block.each(tile.channels, [&](std::int64_t c) {
      shifts[c] = static_cast<C>(a[corner + c]);
      if constexpr (kAdd) shifts[c] += static_cast<C>(second[corner + c]);
    });
    block.each(share.items(), [&](std::int64_t item) {
      const RowWalk walk = share.walk(item);
      const V shift = load_lanes<N>(shifts + walk.channel);
      V linear{};
      V squares{};
      SCIMIX_UNROLL_ROWS
      for (std::int64_t row = walk.first; row < walk.end; row += walk.step) {
        const std::int64_t at = corner + row * grid.channels + walk.channel;
        const V x = load_sum<T, N, kAdd>(a, b, sum, at);
        const V deviation = x - shift;
        linear = linear + deviation;
        squares = squares + deviation * deviation;
      }
      C* mine = sums + walk.lane * tile.channels * 2 + walk.channel;
      store_lanes<N>(mine, linear);
      store_lanes<N>(mine + tile.channels, squares);
    });
    combine_lanes(block, sums, share.lanes, tile.channels * 2);
    block.each(tile.channels, [&](std::int64_t c) {
      const C linear = sums[c];
      const C mean = linear / static_cast<C>(tile.rows);
      const C squares = sums[tile.channels + c] - linear * mean;
      const std::int64_t at = (tile.first_channel + c) * grid.chunks() + tile.chunk;
      partial[at] = shifts[c] + mean;
      partial[grid.channels * grid.chunks() + at] = squares > C(0) ? squares : C(0);
    });
  });
}

// Mean and sum of squared deviations of some rows.
struct Moments {
  double rows = 0;
  double mean = 0;
  double deviation = 0;
};

// Of parts together: Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983.
// Sums of squared deviations add up, plus those of the means. `part(i)` gives Moments.
template <class Block, class Part>
SCIMIX_HD inline Moments merge_parts(Block& block, std::int64_t parts, double rows, Part part) {
  const double sum = block.template sum<double>(parts, [&](std::int64_t i) {
    const Moments m = part(i);
    return m.mean * m.rows;
  });
  const double mean = sum / rows;
  const double deviation = block.template sum<double>(parts, [&](std::int64_t i) {
    const Moments m = part(i);
    const double apart = m.mean - mean;
    return m.deviation + apart * apart * m.rows;
  });
  return {rows, mean, deviation};
}

// What follows from the moments of a segment, for one channel. A segment without rows leaves all as
// it was.
template <class C>
struct StatisticsOut {
  double eps, momentum;
  C* stats;  // [S,2,C]
  C* running_mean;
  C* running_variance;

  SCIMIX_HD void write(std::int64_t channels, int segment, std::int64_t channel,
                       const Moments& m) const {
    if (m.rows == 0) return;
    C* out = stats + 2 * segment * channels + channel;
    out[0] = static_cast<C>(m.mean);
    out[channels] = static_cast<C>(1.0 / std::sqrt(m.deviation / m.rows + eps));
    if (segment != 0 || running_mean == nullptr || running_variance == nullptr) return;
    const double unbiased = m.deviation / (m.rows > 1.0 ? m.rows - 1.0 : 1.0);
    move(running_mean[channel], m.mean);
    move(running_variance[channel], unbiased);
  }
  SCIMIX_HD void move(C& running, double batch) const {
    running = static_cast<C>(running + momentum * (batch - static_cast<double>(running)));
  }
};

template <class C>
struct MomentsOut {
  C* moments;  // [S,2,C]

  SCIMIX_HD void write(std::int64_t channels, int segment, std::int64_t channel,
                       const Moments& m) const {
    C* out = moments + 2 * segment * channels + channel;
    out[0] = static_cast<C>(m.mean);
    out[channels] = static_cast<C>(m.deviation);
  }
};

// Merges the chunks of each segment.
template <class C, class Out>
void merge_chunks(const RowChunks& grid, const C* partial, const Out& to) {
  const Out out = to;
  for_each_block(grid.channels, 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t channel = block.index();
    const C* means = partial + channel * grid.chunks();
    const C* squares = means + grid.channels * grid.chunks();
    for (int s = 0; s < grid.segments.count; ++s) {
      const std::int64_t first = grid.first_chunk[s];
      const std::int64_t chunks = grid.first_chunk[s + 1] - first;
      Moments merged;
      if (chunks > 0) {
        merged = merge_parts(block, chunks, static_cast<double>(grid.segments.rows(s)),
                             [&](std::int64_t i) -> Moments {
                               return {static_cast<double>(grid.rows_of(s, first + i)),
                                       static_cast<double>(means[first + i]),
                                       static_cast<double>(squares[first + i])};
                             });
      }
      block.each(1, [&](std::int64_t) { out.write(grid.channels, s, channel, merged); });
    }
  });
}

template <class C>
void merge_ranks(std::int64_t ranks, const RowSegments& segments, std::int64_t channels,
                 const C* moments, const StatisticsOut<C>& to) {
  const StatisticsOut<C> out = to;
  const RowSegments all = segments;
  for_each_block(channels, 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t channel = block.index();
    for (int s = 0; s < all.count; ++s) {
      const auto rows = static_cast<double>(all.rows(s));
      if (all.rows(s) == 0) continue;
      const Moments merged = merge_parts(
          block, ranks, rows * static_cast<double>(ranks), [&](std::int64_t rank) -> Moments {
            const C* of = moments + 2 * (rank * all.count + s) * channels + channel;
            return {rows, static_cast<double>(of[0]), static_cast<double>(of[channels])};
          });
      block.each(1, [&](std::int64_t) { out.write(channels, s, channel, merged); });
    }
  });
}

// The statistics and parameters of N channels, ready to normalise.
template <class C, int N>
struct Normaliser {
  using V = Lanes<C, N>;
  V mean, inverse, factor, beta;  // factor: gamma times inverse deviation

  SCIMIX_HD Normaliser(const C* stats, const C* gamma, const C* b, std::int64_t channels,
                       int segment, std::int64_t channel) {
    const C* at = stats + 2 * segment * channels + channel;
    mean = load_lanes<N>(at);
    inverse = load_lanes<N>(at + channels);
    factor = load_lanes<N>(gamma + channel) * inverse;
    beta = load_lanes<N>(b + channel);
  }
  // Before the activation. Backward finds the side of the kink by the same expression.
  [[nodiscard]] SCIMIX_HD V operator()(const V& x) const { return (x - mean) * factor + beta; }
};

template <class T, int N, bool kAdd>
void apply(const RowChunks& grid, const T* a, const T* b, const compute_t<T>* stats,
           const compute_t<T>* gamma, const compute_t<T>* beta, compute_t<T> slope, T* sum, T* y) {
  using C = compute_t<T>;
  using V = Lanes<C, N>;
  for_each_block(grid.blocks(), 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const RowTile tile = grid.tile(block.index());
    const RowLanes<N> share(tile);
    const std::int64_t corner = tile.first_row * grid.channels + tile.first_channel;
    block.each(share.items(), [&](std::int64_t item) {
      const RowWalk walk = share.walk(item);
      const Normaliser<C, N> normalise(stats, gamma, beta, grid.channels, tile.segment,
                                       tile.first_channel + walk.channel);
      const std::int64_t start = corner + walk.channel;
      for_rows(
          walk,
          [&](std::int64_t row) {
            const std::int64_t at = start + row * grid.channels;
            V x = load_lanes<N>(a + at);
            if constexpr (kAdd) x = rounded_lanes<T, N>(x + load_lanes<N>(b + at));
            return x;
          },
          [&](std::int64_t row, const V& x) {
            const std::int64_t at = start + row * grid.channels;
            if constexpr (kAdd) store_lanes<N>(sum + at, x);
            const V z = normalise(x);
            store_lanes<N>(y + at, where_positive(z, z, z * slope));
          });
    });
  });
}

// ---- backward ----------------------------------------------------------------------------------

template <class T, int N>
void chunk_backward(const RowChunks& grid, const T* gy, const T* x, const compute_t<T>* stats,
                    const compute_t<T>* gamma, const compute_t<T>* beta, compute_t<T> slope,
                    compute_t<T>* partial) {
  using C = compute_t<T>;
  using V = Lanes<C, N>;
  for_each_block(grid.blocks(), kScratch, [=] SCIMIX_KERNEL_FN(Block & block) {
    const RowTile tile = grid.tile(block.index());
    const RowLanes<N> share(tile);
    const std::int64_t corner = tile.first_row * grid.channels + tile.first_channel;
    C* sums = block.scratch<C>(share.lanes * tile.channels * 2);
    block.each(share.items(), [&](std::int64_t item) {
      const RowWalk walk = share.walk(item);
      const Normaliser<C, N> normalise(stats, gamma, beta, grid.channels, tile.segment,
                                       tile.first_channel + walk.channel);
      V linear{};
      V product{};
      SCIMIX_UNROLL_ROWS
      for (std::int64_t row = walk.first; row < walk.end; row += walk.step) {
        const std::int64_t at = corner + row * grid.channels + walk.channel;
        const V value = load_lanes<N>(x + at);
        const V g = load_lanes<N>(gy + at);
        const V live = where_positive(normalise(value), g, g * slope);
        linear = linear + live;
        product = product + live * (value - normalise.mean);
      }
      C* mine = sums + walk.lane * tile.channels * 2 + walk.channel;
      store_lanes<N>(mine, linear);
      store_lanes<N>(mine + tile.channels, product * normalise.inverse);
    });
    combine_lanes(block, sums, share.lanes, tile.channels * 2);
    block.each(tile.channels * 2, [&](std::int64_t i) {
      const std::int64_t which = i / tile.channels;
      const std::int64_t channel = tile.first_channel + i % tile.channels;
      partial[(which * grid.channels + channel) * grid.chunks() + tile.chunk] = sums[i];
    });
  });
}

template <class C>
void merge_backward(const RowChunks& grid, const C* partial, C* sums, C* ggamma, C* gbeta) {
  for_each_block(grid.channels, 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t channel = block.index();
    const C* linear = partial + channel * grid.chunks();
    const C* product = linear + grid.channels * grid.chunks();
    double all_linear = 0;
    double all_product = 0;
    for (int s = 0; s < grid.segments.count; ++s) {
      const std::int64_t first = grid.first_chunk[s];
      const std::int64_t chunks = grid.first_chunk[s + 1] - first;
      const double sum = block.sum<double>(
          chunks, [&](std::int64_t i) { return static_cast<double>(linear[first + i]); });
      const double moment = block.sum<double>(
          chunks, [&](std::int64_t i) { return static_cast<double>(product[first + i]); });
      all_linear += sum;
      all_product += moment;
      block.each(1, [&](std::int64_t) {
        sums[2 * s * grid.channels + channel] = static_cast<C>(sum);
        sums[(2 * s + 1) * grid.channels + channel] = static_cast<C>(moment);
      });
    }
    block.each(1, [&](std::int64_t) {
      if (gbeta != nullptr) gbeta[channel] = static_cast<C>(all_linear);
      if (ggamma != nullptr) ggamma[channel] = static_cast<C>(all_product);
    });
  });
}

template <class T, int N, bool kAdd>
void backward_apply(const RowChunks& grid, const T* gy, const T* gsum, const T* x,
                    const compute_t<T>* stats, const compute_t<T>* gamma, const compute_t<T>* beta,
                    const compute_t<T>* sums, int ranks, compute_t<T> slope, T* gx) {
  using C = compute_t<T>;
  using V = Lanes<C, N>;
  for_each_block(grid.blocks(), 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const T* second = gsum;
    const RowTile tile = grid.tile(block.index());
    const RowLanes<N> share(tile);
    const std::int64_t corner = tile.first_row * grid.channels + tile.first_channel;
    const C share_of_one = C(1) / static_cast<C>(grid.segments.rows(tile.segment) * ranks);
    block.each(share.items(), [&](std::int64_t item) {
      const RowWalk walk = share.walk(item);
      const std::int64_t channel = tile.first_channel + walk.channel;
      const Normaliser<C, N> normalise(stats, gamma, beta, grid.channels, tile.segment, channel);
      V constant{};  // -factor mean(g)
      V linear{};    // -factor mean(g xhat) / deviation, times (x - mean)
      if (sums != nullptr) {
        const C* at = sums + 2 * tile.segment * grid.channels + channel;
        const V minus = normalise.factor * -share_of_one;
        constant = minus * load_lanes<N>(at);
        linear = minus * normalise.inverse * load_lanes<N>(at + grid.channels);
      }
      const std::int64_t start = corner + walk.channel;
      struct Row {
        V value, g, added;
      };
      for_rows(
          walk,
          [&](std::int64_t row) {
            const std::int64_t at = start + row * grid.channels;
            Row out{load_lanes<N>(x + at), load_lanes<N>(gy + at), {}};
            if constexpr (kAdd) out.added = load_lanes<N>(second + at);
            return out;
          },
          [&](std::int64_t row, const Row& in) {
            const V live = where_positive(normalise(in.value), in.g, in.g * slope);
            V out = normalise.factor * live + (linear * (in.value - normalise.mean) + constant);
            if constexpr (kAdd) out = out + in.added;
            store_lanes<N>(gx + start + row * grid.channels, out);
          });
    });
  });
}

}  // namespace

namespace {

// Calls f<T, N, kAdd>() for the element type, the widest pack of channels, and whether a second
// tensor is added on the way.
template <class F>
void dispatch_pass(const Tensor& x, const RowChunks& grid, const Tensor& second, F f) {
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) {
    dispatch_lanes<T, 128>(grid.channels, [&]<int N>(LaneCount<N>) {
      if (second.defined()) {
        f.template operator()<T, N, true>();
      } else {
        f.template operator()<T, N, false>();
      }
    });
  });
}

// Makes the partial sums of each chunk, the pass over the data that both kinds of statistics begin
// with.
[[nodiscard]] Tensor chunk_statistics_of(const Tensor& a, const Tensor& b, const RowChunks& grid,
                                         const Tensor& sum, DType statistics) {
  const Tensor partial = partial_sums(grid, statistics, a.device());
  dispatch_pass(a, grid, b, [&]<class T, int N, bool kAdd>() {
    chunk_statistics<T, N, kAdd>(grid, a.data<T>(), data_or_null<T>(b), data_or_null<T>(sum),
                                 partial.data<compute_t<T>>());
  });
  return partial;
}

template <class C>
StatisticsOut<C> statistics_out(double eps, double momentum, const Tensor& stats,
                                const Tensor& running_mean, const Tensor& running_variance) {
  return {eps, momentum, stats.data<C>(), data_or_null<C>(running_mean),
          data_or_null<C>(running_variance)};
}

}  // namespace

void norm_statistics(const Tensor& a, const Tensor& b, const RowSegments& segments, double eps,
                     double momentum, const Tensor& sum, const Tensor& stats,
                     const Tensor& running_mean, const Tensor& running_variance) {
  const RowChunks grid(segments, a.shape()[-1]);
  const Tensor partial = chunk_statistics_of(a, b, grid, sum, stats.dtype());
  dispatch_parameter(stats.dtype(), [&]<class C>(TypeTag<C>) {
    merge_chunks<C>(grid, partial.data<C>(),
                    statistics_out<C>(eps, momentum, stats, running_mean, running_variance));
  });
}

void norm_moments(const Tensor& a, const Tensor& b, const RowSegments& segments, const Tensor& sum,
                  const Tensor& moments) {
  const RowChunks grid(segments, a.shape()[-1]);
  const Tensor partial = chunk_statistics_of(a, b, grid, sum, moments.dtype());
  dispatch_parameter(moments.dtype(), [&]<class C>(TypeTag<C>) {
    merge_chunks<C>(grid, partial.data<C>(), MomentsOut<C>{moments.data<C>()});
  });
}

void norm_statistics_of_ranks(const Tensor& moments, const RowSegments& segments, double eps,
                              double momentum, const Tensor& stats, const Tensor& running_mean,
                              const Tensor& running_variance) {
  SCIMIX_CHECK(moments.rank() == 4 && moments.dim(1) == segments.count && moments.dim(2) == 2,
               "norm_statistics_of_ranks: moments ", moments.shape());
  dispatch_parameter(stats.dtype(), [&]<class C>(TypeTag<C>) {
    merge_ranks<C>(moments.dim(0), segments, moments.dim(3), moments.data<C>(),
                   statistics_out<C>(eps, momentum, stats, running_mean, running_variance));
  });
}

namespace {

template <class C>
void running_statistics(std::int64_t channels, const C* mean, const C* variance, double eps,
                        C* stats) {
  for_each<4>(channels, [=] SCIMIX_KERNEL_FN(std::int64_t c) {
    stats[c] = mean[c];
    stats[channels + c] = static_cast<C>(1.0 / std::sqrt(static_cast<double>(variance[c]) + eps));
  });
}

}  // namespace

void norm_running_statistics(const Tensor& mean, const Tensor& variance, double eps,
                             const Tensor& stats) {
  dispatch_parameter(mean.dtype(), [&]<class C>(TypeTag<C>) {
    running_statistics<C>(mean.numel(), mean.data<C>(), variance.data<C>(), eps, stats.data<C>());
  });
}

void norm_apply(const Tensor& a, const Tensor& b, const Tensor& stats, const Tensor& gamma,
                const Tensor& beta, const RowSegments& segments, double slope, const Tensor& sum,
                const Tensor& y) {
  const RowChunks grid(segments, a.shape()[-1]);
  dispatch_pass(a, grid, b, [&]<class T, int N, bool kAdd>() {
    using C = compute_t<T>;
    apply<T, N, kAdd>(grid, a.data<T>(), data_or_null<T>(b), stats.data<C>(), gamma.data<C>(),
                      beta.data<C>(), static_cast<C>(slope), data_or_null<T>(sum), y.data<T>());
  });
}

void norm_backward_reduce(const Tensor& gy, const Tensor& x, const Tensor& stats,
                          const Tensor& gamma, const Tensor& beta, const RowSegments& segments,
                          double slope, const Tensor& sums, const Tensor& ggamma,
                          const Tensor& gbeta) {
  const RowChunks grid(segments, x.shape()[-1]);
  const Tensor partial = partial_sums(grid, stats.dtype(), x.device());
  dispatch_floating(x.dtype(), [&]<class T>(TypeTag<T>) {
    using C = compute_t<T>;
    dispatch_lanes<T, 128>(grid.channels, [&]<int N>(LaneCount<N>) {
      chunk_backward<T, N>(grid, gy.data<T>(), x.data<T>(), stats.data<C>(), gamma.data<C>(),
                           beta.data<C>(), static_cast<C>(slope), partial.data<C>());
    });
    merge_backward<C>(grid, partial.data<C>(), sums.data<C>(), data_or_null<C>(ggamma),
                      data_or_null<C>(gbeta));
  });
}

void norm_backward_apply(const Tensor& gy, const Tensor& gsum, const Tensor& x, const Tensor& stats,
                         const Tensor& gamma, const Tensor& beta, const Tensor& sums,
                         const RowSegments& segments, int ranks, double slope, const Tensor& gx) {
  const RowChunks grid(segments, x.shape()[-1]);
  dispatch_pass(x, grid, gsum, [&]<class T, int N, bool kAdd>() {
    using C = compute_t<T>;
    backward_apply<T, N, kAdd>(grid, gy.data<T>(), data_or_null<T>(gsum), x.data<T>(),
                               stats.data<C>(), gamma.data<C>(), beta.data<C>(),
                               data_or_null<C>(sums), ranks, static_cast<C>(slope), gx.data<T>());
  });
}

}  // namespace scimix::SCIMIX_BACKEND

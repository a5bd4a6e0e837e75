#include <numeric>
#include <type_traits>

#include "kernels/launch/column_sums.hpp"
#include "kernels/launch/lanes.hpp"
#include "kernels/launch/launch.hpp"
#include "kernels/modulate/demodulate.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

// The layers of one launch, as plain arrays.
template <class T>
struct EnergyTable {
  LayerBlocks blocks;
  const T* w[kMostLayers] = {};                // NOLINT: plain arrays run in device code
  compute_t<T>* energy[kMostLayers] = {};      // NOLINT
  compute_t<T>* transposed[kMostLayers] = {};  // NOLINT
  std::int64_t a_size[kMostLayers] = {};       // NOLINT
  std::int64_t taps[kMostLayers] = {};         // NOLINT
  std::int64_t b_size[kMostLayers] = {};       // NOLINT

  explicit EnergyTable(const EnergyLayers& layers) {
    using C = compute_t<T>;
    for (int l = 0; l < layers.count; ++l) {
      const Tensor& kernel = layers.w[l];
      w[l] = kernel.data<T>();
      energy[l] = layers.energy[l].data<C>();
      transposed[l] = layers.transposed[l].data<C>();
      a_size[l] = kernel.dim(0);
      taps[l] = kernel.dim(1) * kernel.dim(2);
      b_size[l] = kernel.dim(3);
      blocks.add(a_size[l]);
    }
  }
};

// A block computes one row of one layer.
template <class T, int N>
void energies(const EnergyTable<T>& layers) {
  using C = compute_t<T>;
  for_each_block<3>(layers.blocks.total(), 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const EnergyTable<T>& t = layers;
    const int l = t.blocks.layer_of(block.index());
    const std::int64_t a = block.index() - t.blocks.first[l];
    const std::int64_t taps = t.taps[l];
    const std::int64_t b_size = t.b_size[l];
    const T* w = t.w[l];
    C* energy = t.energy[l] + a * b_size;
    block.each(b_size / N, [&](std::int64_t pack) {
      const std::int64_t b = pack * N;
      Lanes<C, N> sum{};
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        const auto value = load_lanes<N>(w + (a * taps + tap) * b_size + b);
        sum = sum + value * value;
      }
      store_lanes<N>(energy + b, sum);
    });
    block.each(b_size, [&](std::int64_t b) { t.transposed[l][b * t.a_size[l] + a] = energy[b]; });
  });
}

template <class C>
struct CoefficientTable {
  LayerBlocks blocks;
  const C* style[kMostLayers] = {};        // NOLINT: plain arrays run in device code
  const C* energy[kMostLayers] = {};       // NOLINT
  C* d[kMostLayers] = {};                  // NOLINT
  std::int64_t rows[kMostLayers] = {};     // NOLINT: of the energies, C
  std::int64_t columns[kMostLayers] = {};  // NOLINT: K
  C eps[kMostLayers] = {};                 // NOLINT

  explicit CoefficientTable(const CoefficientLayers& layers) {
    for (int l = 0; l < layers.count; ++l) {
      style[l] = layers.style[l].data<C>();
      energy[l] = layers.energy[l].data<C>();
      d[l] = layers.d[l].data<C>();
      rows[l] = layers.energy[l].dim(0);
      columns[l] = layers.energy[l].dim(1);
      eps[l] = static_cast<C>(layers.eps[static_cast<std::size_t>(l)]);
      blocks.add(layers.style[l].dim(0) * Columns(rows[l], columns[l]).groups);
    }
  }
};

template <class C, int N>
void coefficients(const CoefficientTable<C>& layers) {
  for_each_block(layers.blocks.total(), kColumnScratch, [=] SCIMIX_KERNEL_FN(Block & block) {
    const CoefficientTable<C>& t = layers;
    const int l = t.blocks.layer_of(block.index());
    const Columns energies(t.rows[l], t.columns[l]);
    const std::int64_t mine = block.index() - t.blocks.first[l];
    const std::int64_t n = mine / energies.groups;
    const RowTile tile = energies.tile(mine % energies.groups);
    const C* style = t.style[l] + n * energies.rows;
    const C* sums = sum_rows<N>(block, energies, tile, t.energy[l],
                                [&](std::int64_t c) { return style[c] * style[c]; });
    block.each(tile.channels, [&](std::int64_t k) {
      t.d[l][n * energies.columns + tile.first_channel + k] = C(1) / std::sqrt(sums[k] + t.eps[l]);
    });
  });
}

// Returns the greatest common divisor of the layers' channels, for which dispatch_lanes picks a
// pack.
template <class Size>
[[nodiscard]] std::int64_t common_divisor(int layers, Size size) {
  std::int64_t common = 0;
  for (int l = 0; l < layers; ++l) common = std::gcd(common, size(l));
  return common;
}

template <class C, int N>
void style_gradient(const Columns& energies, std::int64_t samples, const C* style, const C* e,
                    const C* energy, C* gstyle) {
  for_each_block(samples * energies.groups, kColumnScratch, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t n = block.index() / energies.groups;
    const RowTile tile = energies.tile(block.index() % energies.groups);
    const C* mine = e + n * energies.rows;
    const C* sums =
        sum_rows<N>(block, energies, tile, energy, [&](std::int64_t k) { return mine[k]; });
    block.each(tile.channels, [&](std::int64_t c) {
      const std::int64_t at = n * energies.columns + tile.first_channel + c;
      gstyle[at] += C(2) * style[at] * sums[c];
    });
  });
}

template <class T, class G, int N>
void weight_gradient(const Columns& pairs, std::int64_t a_size, std::int64_t taps, const T* w,
                     const compute_t<T>* left, const compute_t<T>* right, StyleSide style, G* gw) {
  using C = compute_t<T>;
  const bool left_squared = style == StyleSide::left;
  for_each_block<3>(a_size * pairs.groups, kColumnScratch, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t a = block.index() / pairs.groups;
    const RowTile tile = pairs.tile(block.index() % pairs.groups);
    const auto factor = [&](std::int64_t n) {
      const C value = left[n * a_size + a];
      return left_squared ? value * value : value;
    };
    const C* sums = left_squared ? sum_rows<N>(block, pairs, tile, right, factor)
                                 : sum_rows<N, Squares>(block, pairs, tile, right, factor);
    const std::int64_t packs = tile.channels / N;
    block.each(taps * packs, [&](std::int64_t i) {
      const std::int64_t b = i % packs * N;
      const std::int64_t at = (a * taps + i / packs) * pairs.columns + tile.first_channel + b;
      const auto more = load_lanes<N>(w + at) * load_lanes<N>(sums + b) * C(2);
      store_lanes<N>(gw + at, load_lanes<N>(gw + at) + more);
    });
  });
}

}  // namespace

void weight_energies(const Tensor& first_w, const EnergyLayers& layers) {
  dispatch_floating(first_w.dtype(), [&]<class T>(TypeTag<T>) {
    const EnergyTable<T> table(layers);
    const auto channels = [&](int l) { return table.b_size[l]; };
    dispatch_lanes<T>(common_divisor(layers.count, channels),
                      [&]<int N>(LaneCount<N>) { energies<T, N>(table); });
  });
}

void demodulation_coefficients(const Tensor& first_style, const CoefficientLayers& layers) {
  dispatch_parameter(first_style.dtype(), [&]<class C>(TypeTag<C>) {
    const CoefficientTable<C> table(layers);
    const auto channels = [&](int l) { return table.columns[l]; };
    dispatch_lanes<C>(common_divisor(layers.count, channels),
                      [&]<int N>(LaneCount<N>) { coefficients<C, N>(table); });
  });
}

void demodulation_style_gradient(const Tensor& style, const Tensor& e, const Tensor& energy,
                                 const Output& gstyle) {
  const Columns energies(energy.dim(0), energy.dim(1));
  dispatch_parameter(style.dtype(), [&]<class C>(TypeTag<C>) {
    dispatch_lanes<C>(energies.columns, [&]<int N>(LaneCount<N>) {
      style_gradient<C, N>(energies, style.dim(0), style.data<C>(), e.data<C>(), energy.data<C>(),
                           gstyle.data<C>());
    });
  });
}

void add_demodulation_weight_gradient(const Tensor& w, const Tensor& left, const Tensor& right,
                                      StyleSide style, const Output& gw) {
  const Columns pairs(right.dim(0), right.dim(1));
  dispatch_floating(w.dtype(), [&]<class T>(TypeTag<T>) {
    using C = compute_t<T>;
    const auto run = [&](auto* gradient) {
      using G = std::remove_pointer_t<decltype(gradient)>;
      dispatch_lanes<T>(pairs.columns, [&]<int N>(LaneCount<N>) {
        weight_gradient<T, G, N>(pairs, w.dim(0), w.dim(1) * w.dim(2), w.data<T>(), left.data<C>(),
                                 right.data<C>(), style, gradient);
      });
    };
    if constexpr (!std::is_same_v<T, C>) {
      if (gw.dtype() == dtype_of<C>) return run(gw.data<C>());
    }
    run(gw.data<T>());
  });
}

}  // namespace scimix::SCIMIX_BACKEND

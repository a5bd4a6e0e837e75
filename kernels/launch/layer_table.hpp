// Several layers in one launch, for kernels too small to be worth a launch per layer. LayerBlocks
// assigns blocks to layers; the data of the layers is in plain arrays.
#pragma once

#include <array>
#include <cstdint>

#include "core/error.hpp"
#include "core/host_device.hpp"
#include "core/tensor.hpp"

namespace scimix {

inline constexpr int kMostLayers = 16;

// One tensor or one output per layer; undefined where a layer has none.
template <class T>
struct PerLayer {
  std::array<T, kMostLayers> at = {};

  T& operator[](int layer) { return at[static_cast<std::size_t>(layer)]; }
  const T& operator[](int layer) const { return at[static_cast<std::size_t>(layer)]; }
  [[nodiscard]] PerLayer borrowed() const {
    PerLayer out;
    for (std::size_t i = 0; i < at.size(); ++i) out.at[i] = at[i].borrowed();
    return out;
  }
};
using LayerTensors = PerLayer<Tensor>;
using LayerOutputs = PerLayer<Output>;

struct LayerBlocks {
  int layers = 0;
  std::int64_t first[kMostLayers + 1] = {};  // NOLINT: plain arrays run in device code

  // Adds a layer of `blocks` blocks.
  void add(std::int64_t blocks) {
    SCIMIX_CHECK(layers < kMostLayers, "more than ", kMostLayers, " layers in one launch");
    first[layers + 1] = first[layers] + blocks;
    ++layers;
  }
  [[nodiscard]] SCIMIX_HD std::int64_t total() const { return first[layers]; }
  [[nodiscard]] SCIMIX_HD int layer_of(std::int64_t block) const {
    int layer = 0;
    while (block >= first[layer + 1]) ++layer;
    return layer;
  }
};

}  // namespace scimix

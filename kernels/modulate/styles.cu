#include <type_traits>

#include "kernels/launch/launch.hpp"
#include "kernels/modulate/styles.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

constexpr std::int64_t kSamples = 8;    // samples per block
constexpr std::int64_t kChannels = 32;  // channels per block
constexpr std::int64_t kCodes = 64;     // columns of the code that are in scratch at a time

// StyleLayers as plain arrays. Style is T in the forward pass, which writes the styles, and const T
// in the backward passes, which read their gradients.
template <class T, class Style>
struct Table {
  using Styles = std::conditional_t<std::is_const_v<Style>, LayerTensors, LayerOutputs>;

  LayerBlocks blocks;
  const T* weights[kMostLayers] = {};       // NOLINT: plain arrays run in device code
  const T* biases[kMostLayers] = {};        // NOLINT
  Style* styles[kMostLayers] = {};          // NOLINT
  T* gweights[kMostLayers] = {};            // NOLINT
  T* gbiases[kMostLayers] = {};             // NOLINT
  std::int64_t channels[kMostLayers] = {};  // NOLINT
  T factors[kMostLayers] = {};              // NOLINT
  T gain = 1;

  Table(const StyleLayers& layers, std::int64_t n, const Styles& of_styles) {
    gain = static_cast<T>(layers.gain);
    for (int l = 0; l < layers.count; ++l) {
      const Tensor& weight = layers.weights[l];
      channels[l] = weight.dim(0);
      const auto& style = of_styles[l];
      SCIMIX_CHECK(!style.defined() || style.shape() == (Shape{n, channels[l]}), "styles: layer ",
                   l, " of ", style.shape(), " with a weight ", weight.shape());
      weights[l] = weight.data<T>();
      biases[l] = layers.biases[l].data<T>();
      styles[l] = data_or_null<T>(style);
      factors[l] = static_cast<T>(layers.factors[static_cast<std::size_t>(l)]);
    }
  }
};

[[nodiscard]] constexpr std::int64_t parts(std::int64_t whole, std::int64_t part) {
  return (whole + part - 1) / part;
}

// A block computes kSamples x kChannels styles of one layer. Code and weights are read into
// scratch, kCodes columns at a time.
template <class T>
void forward(const Tensor& code, const StyleLayers& layers, const LayerOutputs& styles) {
  const std::int64_t n = code.dim(0);
  const std::int64_t s = code.dim(1);
  Table<T, T> table(layers, n, styles);
  const std::int64_t sample_parts = parts(n, kSamples);
  for (int l = 0; l < layers.count; ++l) {
    table.blocks.add(sample_parts * parts(table.channels[l], kChannels));
  }
  const T* codes = code.data<T>();
  constexpr std::size_t kScratch =
      sizeof(T) * ((kSamples + kChannels) * (kCodes + 1) + kSamples * kChannels) + 64;
  for_each_block(table.blocks.total(), kScratch, [=] SCIMIX_KERNEL_FN(Block & block) {
    const int layer = table.blocks.layer_of(block.index());
    const std::int64_t tile = block.index() - table.blocks.first[layer];
    const std::int64_t first_sample = tile % sample_parts * kSamples;
    const std::int64_t first_channel = tile / sample_parts * kChannels;
    const std::int64_t channels = table.channels[layer];
    T* sums = block.scratch<T>(kSamples * kChannels);
    T* my_codes = block.scratch<T>(kSamples * (kCodes + 1));
    T* my_weights = block.scratch<T>(kChannels * (kCodes + 1));
    block.each(kSamples * kChannels, [&](std::int64_t i) { sums[i] = T(0); });
    for (std::int64_t begin = 0; begin < s; begin += kCodes) {
      block.each((kSamples + kChannels) * kCodes, [&](std::int64_t i) {
        const std::int64_t row = i / kCodes;
        const std::int64_t column = begin + i % kCodes;
        const bool of_code = row < kSamples;
        const std::int64_t at = of_code ? first_sample + row : first_channel + row - kSamples;
        const bool inside = column < s && at < (of_code ? n : channels);
        const T* from = of_code ? codes : table.weights[layer];
        T* to =
            of_code ? my_codes + row * (kCodes + 1) : my_weights + (row - kSamples) * (kCodes + 1);
        to[i % kCodes] = inside ? from[at * s + column] : T(0);
      });
      block.each(kSamples * kChannels, [&](std::int64_t i) {
        const T* a = my_codes + i / kChannels * (kCodes + 1);
        const T* b = my_weights + i % kChannels * (kCodes + 1);
        T sum = 0;
        for (std::int64_t k = 0; k < kCodes; ++k) sum += a[k] * b[k];
        sums[i] += sum;
      });
    }
    block.each(kSamples * kChannels, [&](std::int64_t i) {
      const std::int64_t sample = first_sample + i / kChannels;
      const std::int64_t channel = first_channel + i % kChannels;
      if (sample >= n || channel >= channels) return;
      table.styles[layer][sample * channels + channel] =
          table.factors[layer] * (table.gain * sums[i] + table.biases[layer][channel]);
    });
  });
}

// A block computes one row of a weight's gradient, and the gradient of one bias.
template <class T>
void backward_layers(const Tensor& code, const StyleLayers& layers, const LayerTensors& gstyles,
                     const LayerOutputs& gweights, const LayerOutputs& gbiases) {
  const std::int64_t n = code.dim(0);
  const std::int64_t s = code.dim(1);
  Table<T, const T> table(layers, n, gstyles);
  for (int l = 0; l < layers.count; ++l) {
    table.gweights[l] = data_or_null<T>(gweights[l]);
    table.gbiases[l] = data_or_null<T>(gbiases[l]);
    const bool wanted = gweights[l].defined() || gbiases[l].defined();
    table.blocks.add(wanted ? table.channels[l] : 0);
  }
  const T* codes = code.data<T>();
  for_each_block(table.blocks.total(), 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const int layer = table.blocks.layer_of(block.index());
    const std::int64_t channel = block.index() - table.blocks.first[layer];
    const std::int64_t channels = table.channels[layer];
    const T* g = table.styles[layer];
    const std::int64_t rows = g == nullptr ? 0 : n;
    const T factor = table.factors[layer];
    if (table.gweights[layer] != nullptr) {
      block.each(s, [&](std::int64_t column) {
        T sum = 0;
        for (std::int64_t row = 0; row < rows; ++row) {
          sum += g[row * channels + channel] * codes[row * s + column];
        }
        table.gweights[layer][channel * s + column] = factor * table.gain * sum;
      });
    }
    if (table.gbiases[layer] == nullptr) return;
    const T sum = block.sum<T>(rows, [&](std::int64_t row) { return g[row * channels + channel]; });
    block.each(1, [&](std::int64_t) { table.gbiases[layer][channel] = factor * sum; });
  });
}

// A block computes kColumns columns of one sample's gradient. Its lanes divide the channels of all
// layers.
template <class T>
void backward_code(const StyleLayers& layers, const LayerTensors& gstyles, const Output& gcode) {
  constexpr std::int64_t kLanes = 8;
  constexpr std::int64_t kColumns = 32;
  const std::int64_t n = gcode.dim(0);
  const std::int64_t s = gcode.dim(1);
  const Table<T, const T> table(layers, n, gstyles);
  const int count = layers.count;
  const std::int64_t column_parts = parts(s, kColumns);
  T* to = gcode.data<T>();
  for_each_block(
      n * column_parts, sizeof(T) * kLanes * kColumns, [=] SCIMIX_KERNEL_FN(Block & block) {
        const std::int64_t sample = block.index() / column_parts;
        const std::int64_t first = block.index() % column_parts * kColumns;
        T* sums = block.scratch<T>(kLanes * kColumns);
        block.each(kLanes * kColumns, [&](std::int64_t i) {
          const std::int64_t column = first + i % kColumns;
          T sum = 0;
          for (int l = 0; l < count && column < s; ++l) {
            const T* g = table.styles[l];
            if (g == nullptr) continue;
            T part = 0;
            for (std::int64_t c = i / kColumns; c < table.channels[l]; c += kLanes) {
              part += g[sample * table.channels[l] + c] * table.weights[l][c * s + column];
            }
            sum += table.factors[l] * part;
          }
          sums[i] = sum;
        });
        block.each(kColumns, [&](std::int64_t i) {
          if (first + i >= s) return;
          T sum = 0;
          for (std::int64_t lane = 0; lane < kLanes; ++lane) sum += sums[lane * kColumns + i];
          to[sample * s + first + i] = table.gain * sum;
        });
      });
}

}  // namespace

void make_styles(const Tensor& code, const StyleLayers& layers, const LayerOutputs& styles) {
  dispatch_parameter(code.dtype(), [&]<class T>(TypeTag<T>) { forward<T>(code, layers, styles); });
}

void styles_backward_layers(const Tensor& code, const StyleLayers& layers,
                            const LayerTensors& gstyles, const LayerOutputs& gweights,
                            const LayerOutputs& gbiases) {
  dispatch_parameter(code.dtype(), [&]<class T>(TypeTag<T>) {
    backward_layers<T>(code, layers, gstyles, gweights, gbiases);
  });
}

void styles_backward_code(const StyleLayers& layers, const LayerTensors& gstyles,
                          const Output& gcode) {
  dispatch_parameter(gcode.dtype(),
                     [&]<class T>(TypeTag<T>) { backward_code<T>(layers, gstyles, gcode); });
}

}  // namespace scimix::SCIMIX_BACKEND

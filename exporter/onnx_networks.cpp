#include "exporter/onnx_networks.hpp"

#include <cmath>
#include <map>

#include "core/error.hpp"

namespace scimix {

namespace {

constexpr float kCodeEps = 1e-8F;  // of unit_rms (models/codes.cpp)
const std::vector<float> kTaps{1, 3, 3, 1};

// The tensors of a network by name, in ONNX's layout: kernels [K,R,S,C] become [K,C,R,S].
class Weights {
 public:
  Weights(OnnxGraph& graph, std::string prefix, const ParameterStore& store)
      : graph_(graph), prefix_(std::move(prefix)) {
    for (const auto& all : {store.parameters(), store.buffers()}) {
      for (const ParameterStore::Named& one : all) tensors_.emplace(one.name, one.value());
    }
  }

  [[nodiscard]] OnnxShape shape(const std::string& name) const {
    const Shape& shape = tensors_.at(name).shape();
    OnnxShape sizes;
    for (int axis = 0; axis < shape.rank(); ++axis) sizes.push_back(shape[axis]);
    if (sizes.size() == 4) sizes = {sizes[0], sizes[3], sizes[1], sizes[2]};
    return sizes;
  }

  [[nodiscard]] std::vector<float> values(const std::string& name) const {
    const Tensor& tensor = tensors_.at(name);
    const std::vector<double> flat = tensor.to_doubles();
    std::vector<float> out(flat.begin(), flat.end());
    if (tensor.rank() != 4) return out;
    const std::int64_t taps = tensor.dim(1) * tensor.dim(2);
    const std::int64_t channels = tensor.dim(3);
    for (std::int64_t k = 0; k < tensor.dim(0); ++k) {
      for (std::int64_t tap = 0; tap < taps; ++tap) {
        for (std::int64_t c = 0; c < channels; ++c) {
          out[static_cast<std::size_t>((k * channels + c) * taps + tap)] =
              static_cast<float>(flat[static_cast<std::size_t>((k * taps + tap) * channels + c)]);
        }
      }
    }
    return out;
  }

  // Adds the tensor, times `gain`, to the graph.
  std::string operator()(const std::string& name, double gain = 1.0) const {
    std::vector<float> scaled = values(name);
    for (float& value : scaled) value *= static_cast<float>(gain);
    return graph_.constant(prefix_ + name, scaled, shape(name));
  }

  [[nodiscard]] bool has(const std::string& name) const { return tensors_.contains(name); }
  [[nodiscard]] OnnxGraph& graph() const { return graph_; }
  [[nodiscard]] const std::string& prefix() const { return prefix_; }

 private:
  OnnxGraph& graph_;
  std::string prefix_;
  std::map<std::string, Tensor> tensors_;
};

std::string scalar(OnnxGraph& graph, const std::string& name, float value) {
  return graph.constant(name, std::vector<float>{value}, {1});
}

// --- images ---

// Converts images [N,H,W,3] to [N,3,H,W] in [-1,1].
std::string normalised(OnnxGraph& graph, const std::string& image, OnnxType type) {
  const float gain = type == OnnxType::u8 ? 1.0F / 127.5F : 2.0F;
  const std::string x =
      type == OnnxType::u8 ? graph.add("Cast", {image}, {{"to", OnnxType::f32}}) : image;
  const std::string scaled = graph.add("Mul", {x, scalar(graph, image + ".gain", gain)});
  const std::string centred = graph.add("Sub", {scaled, scalar(graph, image + ".offset", 1.0F)});
  return graph.add("Transpose", {centred}, {{"perm", std::vector<std::int64_t>{0, 3, 1, 2}}});
}

// Converts [N,3,H,W] in [-1,1] to images [N,H,W,3], clamped to the range of their elements.
std::string image_of(OnnxGraph& graph, const std::string& x, OnnxType type) {
  const float gain = type == OnnxType::u8 ? 127.5F : 0.5F;
  const float most = type == OnnxType::u8 ? 255.0F : 1.0F;
  const std::string last =
      graph.add("Transpose", {x}, {{"perm", std::vector<std::int64_t>{0, 2, 3, 1}}});
  const std::string raised = graph.add("Add", {last, scalar(graph, "image.offset", 1.0F)});
  const std::string scaled = graph.add("Mul", {raised, scalar(graph, "image.gain", gain)});
  const std::string low = graph.constant("image.low", std::vector<float>{0.0F}, {});
  const std::string high = graph.constant("image.high", std::vector<float>{most}, {});
  const std::string clamped = graph.add("Clip", {scaled, low, high});
  if (type == OnnxType::f32) return clamped;
  return graph.add("Cast", {graph.add("Round", {clamped})}, {{"to", OnnxType::u8}});
}

// --- WideResNet (models/wide_resnet.cpp) ---

struct Encoded {
  std::string map;       // [N,F,H/4,W/4]
  std::string features;  // [N,F]
};

std::string norm_act(const Weights& w, const std::string& name, const std::string& x,
                     const NormActLayer::Settings& settings) {
  const std::string y = w.graph().add("BatchNormalization",
                                      {x, w(name + ".weight"), w(name + ".bias"),
                                       w(name + ".running_mean"), w(name + ".running_var")},
                                      {{"epsilon", static_cast<float>(settings.eps)}});
  if (settings.slope == 1.0) return y;
  return w.graph().add("LeakyRelu", {y}, {{"alpha", static_cast<float>(settings.slope)}});
}

std::string conv(const Weights& w, const std::string& name, const std::string& x,
                 std::int64_t stride = 1) {
  const std::int64_t pad = w.shape(name + ".weight")[2] / 2;
  return w.graph().add(
      "Conv", {x, w(name + ".weight")},
      {{"strides", std::vector{stride, stride}}, {"pads", std::vector{pad, pad, pad, pad}}});
}

Encoded encode(const Weights& w, const WideResNetConfig& config, const std::string& image) {
  OnnxGraph& graph = w.graph();
  const int per_stage = (config.depth - 4) / 6;
  std::string x = conv(w, "conv1", image);
  for (int i = 0; i < 3 * per_stage; ++i) {
    const std::string name = "blocks." + std::to_string(i);
    const std::int64_t stride = i >= per_stage && i % per_stage == 0 ? 2 : 1;
    const std::string a = norm_act(w, text(name, ".bn1"), x, config.norm);
    const std::string h =
        norm_act(w, text(name, ".bn2"), conv(w, text(name, ".conv1"), a, stride), config.norm);
    const std::string branch = conv(w, text(name, ".conv2"), h);
    std::string shortcut = i == 0 ? a : x;
    if (w.has(text(name, ".shortcut.weight")))
      shortcut = conv(w, text(name, ".shortcut"), shortcut, stride);
    x = graph.add("Add", {shortcut, branch});
  }
  Encoded out;
  out.map = norm_act(w, "bn", x, config.norm);
  out.features = graph.add("Flatten", {graph.add("GlobalAveragePool", {out.map})},
                           {{"axis", std::int64_t{1}}});
  return out;
}

// --- generator (models/generator.cpp, models/equalized.cpp) ---

// Scales every row, or every location of a map, to root mean square 1 over the channels.
std::string unit_rms(OnnxGraph& graph, const std::string& name, const std::string& x) {
  const std::string power =
      graph.add("ReduceMean", {graph.add("Mul", {x, x})}, {{"axes", std::vector<std::int64_t>{1}}});
  const std::string raised = graph.add("Add", {power, scalar(graph, text(name, ".eps"), kCodeEps)});
  return graph.add("Div", {x, graph.add("Sqrt", {raised})});
}

// Adds the filter [1,3,3,1] along both axes, with sum 4, for each of `channels` channels.
std::string filter(OnnxGraph& graph, const std::string& name, std::int64_t channels) {
  std::vector<float> values;
  for (std::int64_t c = 0; c < channels; ++c) {
    for (const float row : kTaps) {
      for (const float column : kTaps) values.push_back(row * column / 16.0F);
    }
  }
  return graph.constant(name, values, {channels, 1, 4, 4});
}

class SynthesisNetwork {
 public:
  SynthesisNetwork(const Weights& weights, std::string style)
      : w_(weights), graph_(weights.graph()), style_(std::move(style)) {}

  std::string operator()(const std::string& code) {
    const std::int64_t in = w_.shape("input.weight")[1];
    const double gain = 1.0 / std::sqrt(static_cast<double>(in));
    std::string x = graph_.add("Conv", {code, w_("input.weight", gain), w_("input.bias")});
    std::string rgb;
    for (int i = 0; i < 3; ++i) {
      const std::string name = "blocks." + std::to_string(i);
      if (i > 0) x = layer(text(name, ".conv0"), x, /*up=*/true);
      x = layer(text(name, ".conv1"), x, /*up=*/false);
      const std::string added = to_rgb(text(name, ".torgb"), x);
      rgb = rgb.empty() ? added : graph_.add("Add", {upsampled(name, rgb), added});
    }
    return rgb;
  }

 private:
  // Returns the style [N,C] = factor (code weight^T / sqrt(S) + bias).
  std::string style_of(const std::string& name, double factor) {
    const double gain = 1.0 / std::sqrt(static_cast<double>(w_.shape(name + ".affine.weight")[1]));
    return graph_.add(
        "Gemm",
        {style_, w_(name + ".affine.weight", gain * factor), w_(name + ".affine.bias", factor)},
        {{"transB", std::int64_t{1}}});
  }

  // Reshapes [N,C] to [N,C,1,1].
  std::string per_pixel(const std::string& factors) {
    if (per_pixel_shape_.empty()) {
      per_pixel_shape_ = graph_.constant("per_pixel_shape", std::vector<std::int64_t>{0, -1, 1, 1});
    }
    return graph_.add("Reshape", {factors, per_pixel_shape_});
  }

  std::string modulated(const std::string& x, const std::string& style) {
    return graph_.add("Mul", {x, per_pixel(style)});
  }

  // Returns d [N,K] = 1 / sqrt(sum over c of style^2 energy + eps), where energy [C,K] is the sum
  // over taps of w^2.
  std::string demodulation(const std::string& name, const std::string& style, bool up) {
    const OnnxShape shape = w_.shape(name + ".weight");  // [K,C,R,S], with `up` [C,K,R,S]
    const std::vector<float> weight = w_.values(name + ".weight");
    const std::int64_t taps = shape[2] * shape[3];
    const std::int64_t in = up ? shape[0] : shape[1];
    const std::int64_t out = up ? shape[1] : shape[0];
    std::vector<float> energy(static_cast<std::size_t>(in * out));
    for (std::int64_t c = 0; c < in; ++c) {
      for (std::int64_t k = 0; k < out; ++k) {
        const std::int64_t row = up ? c * out + k : k * in + c;
        double sum = 0;
        for (std::int64_t t = 0; t < taps; ++t) {
          const double value = weight[static_cast<std::size_t>(row * taps + t)];
          sum += value * value;
        }
        energy[static_cast<std::size_t>(c * out + k)] = static_cast<float>(sum);
      }
    }
    const std::string total =
        graph_.add("MatMul", {graph_.add("Mul", {style, style}),
                              graph_.constant(w_.prefix() + name + ".energy", energy, {in, out})});
    const auto eps = static_cast<float>(ModulatedConv{}.eps);
    const std::string raised =
        graph_.add("Add", {total, scalar(graph_, w_.prefix() + name + ".eps", eps)});
    return graph_.add("Reciprocal", {graph_.add("Sqrt", {raised})});
  }

  std::string layer(const std::string& name, const std::string& x, bool up) {
    const std::string style = style_of(name, 1.0);
    const OnnxShape shape = w_.shape(name + ".weight");
    std::string y = modulated(x, style);
    if (up) {
      y = graph_.add("ConvTranspose", {y, w_(name + ".weight")},
                     {{"strides", std::vector<std::int64_t>{2, 2}}});
      y = graph_.add("Conv", {y, filter(graph_, w_.prefix() + name + ".filter", shape[1])},
                     {{"group", shape[1]}, {"pads", std::vector<std::int64_t>{1, 1, 1, 1}}});
    } else {
      y = conv(w_, name, y);
    }
    y = graph_.add("Mul", {y, per_pixel(demodulation(name, style, up))});
    y = graph_.add("Add", {y, bias(name)});
    y = graph_.add("LeakyRelu", {y}, {{"alpha", static_cast<float>(ModulatedConv{}.slope)}});
    const auto gain = static_cast<float>(ModulatedConv{}.gain);
    return graph_.add("Mul", {y, scalar(graph_, w_.prefix() + name + ".gain", gain)});
  }

  std::string to_rgb(const std::string& name, const std::string& x) {
    const std::int64_t in = w_.shape(name + ".weight")[1];
    const std::string style = style_of(name, 1.0 / std::sqrt(static_cast<double>(in)));
    return graph_.add("Add", {conv(w_, name, modulated(x, style)), bias(name)});
  }

  // Returns the bias [K] as [K,1,1].
  std::string bias(const std::string& name) {
    const std::vector<float> values = w_.values(name + ".bias");
    return graph_.constant(w_.prefix() + name + ".bias", values, {std::ssize(values), 1, 1});
  }

  std::string upsampled(const std::string& name, const std::string& rgb) {
    return graph_.add("ConvTranspose", {rgb, filter(graph_, w_.prefix() + name + ".upsample", 3)},
                      {{"group", std::int64_t{3}},
                       {"strides", std::vector<std::int64_t>{2, 2}},
                       {"pads", std::vector<std::int64_t>{1, 1, 1, 1}}});
  }

  const Weights& w_;
  OnnxGraph& graph_;
  std::string style_;  // the style code [N,S]
  std::string per_pixel_shape_;
};

}  // namespace

void add_classifier(OnnxGraph& graph, const WideResNet& network, std::int64_t image_size,
                    OnnxType type) {
  const std::string image = graph.input("image", type, {-1, image_size, image_size, 3});
  const Weights w(graph, "", network.parameters());
  const Encoded encoded = encode(w, network.config(), normalised(graph, image, type));
  const std::string logits = graph.add("Gemm", {encoded.features, w("fc.weight"), w("fc.bias")},
                                       {{"transB", std::int64_t{1}}});
  const OnnxShape shape{-1, network.config().classes};
  graph.output("logits", logits, OnnxType::f32, shape);
  graph.output("probabilities", graph.add("Softmax", {logits}, {{"axis", std::int64_t{1}}}),
               OnnxType::f32, shape);
}

void add_generator(OnnxGraph& graph, const Autoencoder& networks, OnnxType type) {
  const std::int64_t size = networks.config().generator.image_size;
  const OnnxShape shape{-1, size, size, 3};
  const std::string content = graph.input("content", type, shape);
  const std::string scene = graph.input("scene", type, shape);
  const WideResNet& e_c = networks.semantic_encoder();
  const WideResNet& e_r = networks.scene_encoder();
  const Encoded of_content = encode(Weights(graph, "e_c.", e_c.parameters()), e_c.config(),
                                    normalised(graph, content, type));
  const Encoded of_scene = encode(Weights(graph, "e_r.", e_r.parameters()), e_r.config(),
                                  normalised(graph, scene, type));
  const bool swapped = networks.config().structural_zc;
  const std::string style =
      unit_rms(graph, "style", swapped ? of_scene.features : of_content.features);
  const std::string structure =
      unit_rms(graph, "structure", swapped ? of_content.map : of_scene.map);
  const Weights w(graph, "g.", networks.generator().parameters());
  graph.output("hybrid", image_of(graph, SynthesisNetwork(w, style)(structure), type), type, shape);
}

}  // namespace scimix

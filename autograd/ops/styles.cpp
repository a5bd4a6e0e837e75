// The styles of all layers of a generator.
#include "kernels/modulate/styles.hpp"

#include "autograd/op.hpp"
#include "autograd/ops.hpp"
#include "autograd/tape.hpp"

namespace scimix {

namespace {

// Inputs of a call: the code, then the weights, then the biases.
struct Inputs {
  std::vector<Variable> all;
  std::vector<double> factors;
  double gain;

  [[nodiscard]] int layers() const { return static_cast<int>(factors.size()); }
  [[nodiscard]] const Variable& code() const { return all[0]; }
  [[nodiscard]] int weight_at(int layer) const { return 1 + layer; }
  [[nodiscard]] int bias_at(int layer) const { return 1 + layers() + layer; }
};

[[nodiscard]] Inputs inputs_of(const Variable& code, std::span<const StyleLayer> layers,
                               double gain) {
  SCIMIX_CHECK(code.value().rank() == 2 && layers.size() <= kMostLayers, "styles: code ",
               code.shape(), " for ", layers.size(), " layers, expected [N,S] and at most ",
               kMostLayers);
  Inputs in{.all = {code}, .factors = {}, .gain = gain};
  for (const StyleLayer& layer : layers) {
    SCIMIX_CHECK(layer.weight.value().rank() == 2 && layer.weight.dim(1) == code.dim(1) &&
                     layer.bias.shape() == Shape{layer.weight.dim(0)} &&
                     layer.weight.dtype() == code.dtype() && layer.bias.dtype() == code.dtype(),
                 "styles: weight ", name_of(layer.weight.dtype()), " ", layer.weight.shape(),
                 " and bias ", layer.bias.shape(), " for code ", name_of(code.dtype()), " ",
                 code.shape());
    in.all.push_back(layer.weight);
    in.factors.push_back(layer.factor);
  }
  for (const StyleLayer& layer : layers) in.all.push_back(layer.bias);
  return in;
}

[[nodiscard]] StyleLayers table_of(const Inputs& in) {
  StyleLayers table;
  table.count = in.layers();
  table.gain = in.gain;
  for (int l = 0; l < in.layers(); ++l) {
    table.weights[l] = in.all[static_cast<std::size_t>(in.weight_at(l))].value();
    table.biases[l] = in.all[static_cast<std::size_t>(in.bias_at(l))].value();
    table.factors[static_cast<std::size_t>(l)] = in.factors[static_cast<std::size_t>(l)];
  }
  return table;
}

// Made of small operators: the second derivative.
[[nodiscard]] std::vector<Variable> composite_form(const Inputs& in,
                                                   const std::vector<Variable>& values) {
  std::vector<Variable> out;
  for (int l = 0; l < in.layers(); ++l) {
    const Variable& weight = values[static_cast<std::size_t>(in.weight_at(l))];
    const Variable& bias = values[static_cast<std::size_t>(in.bias_at(l))];
    const Variable product = scale(matmul(values[0], weight, {.b = true}), in.gain);
    out.push_back(scale(add(product, bias), in.factors[static_cast<std::size_t>(l)]));
  }
  return out;
}

[[nodiscard]] std::vector<Variable> fused_vjp(const Inputs& in, const Cotangents& g) {
  const StyleLayers table = table_of(in);
  std::vector<Variable> out(in.all.size());
  const auto room = [&](int input) {
    const Tensor gradient = g.room(input);
    if (gradient.defined()) out[static_cast<std::size_t>(input)] = Variable(gradient);
    return gradient;
  };
  LayerTensors gstyles;
  LayerTensors gweights;
  LayerTensors gbiases;
  for (int l = 0; l < in.layers(); ++l) {
    if (g[l].defined()) gstyles[l] = g[l].value();
    gweights[l] = room(in.weight_at(l));
    gbiases[l] = room(in.bias_at(l));
  }
  styles_backward_layers(in.code().value(), table, gstyles, gweights, gbiases);
  if (const Tensor gcode = room(0); gcode.defined()) styles_backward_code(table, gstyles, gcode);
  return out;
}

}  // namespace

std::vector<Variable> styles(const Variable& code, std::span<const StyleLayer> layers,
                             double gain) {
  const Inputs in = inputs_of(code, layers, gain);
  std::vector<Tensor> values;
  LayerTensors made;
  for (int l = 0; l < in.layers(); ++l) {
    const std::int64_t channels = layers[static_cast<std::size_t>(l)].weight.dim(0);
    values.push_back(Tensor::empty({code.dim(0), channels}, code.dtype(), code.device()));
    made[l] = values.back();
  }
  make_styles(code.value(), table_of(in), made);
  return record_many("styles", std::move(values), in.all, [in](const Cotangents& g) {
    if (!is_recording()) return fused_vjp(in, g);
    const auto composite = [&](const std::vector<Variable>& inputs) {
      return composite_form(in, inputs);
    };
    return vjp_of_composite(composite, in.all, g);
  });
}

// ---- test cases ---------------------------------------------------------------------------------

namespace {

[[nodiscard]] OpCase styles_case(const char* label, std::int64_t n, std::int64_t s,
                                 const std::vector<std::int64_t>& channels,
                                 const std::vector<double>& factors, double gain) {
  OpCase c;
  c.op = "styles";
  c.label = label;
  c.bf16 = false;  // parameters and their code are never narrower than f32
  c.inputs = {{.shape = {n, s}}};
  for (const std::int64_t k : channels) c.inputs.push_back({.shape = {k, s}});
  for (const std::int64_t k : channels) c.inputs.push_back({.shape = {k}});
  const std::size_t layers = channels.size();
  c.run = [=](const Variables& in) {
    std::vector<StyleLayer> list;
    for (std::size_t l = 0; l < layers; ++l) {
      list.push_back({in[1 + l], in[1 + layers + l], factors[l]});
    }
    return styles(in[0], list, gain);
  };
  c.definition = [=](const HostArrays& in) {
    HostArrays out;
    for (std::size_t l = 0; l < layers; ++l) {
      HostArray style({n, channels[l]});
      for (std::int64_t i = 0; i < style.shape.numel(); ++i) {
        const std::int64_t k = i % channels[l];
        double sum = 0;
        for (std::int64_t j = 0; j < s; ++j) {
          sum += in[1 + l][k * s + j] * in[0][i / channels[l] * s + j];
        }
        style[i] = factors[l] * (gain * sum + in[1 + layers + l][k]);
      }
      out.push_back(style);
    }
    return out;
  };
  double products = 0;
  for (const std::int64_t k : channels) products += static_cast<double>(n * s * k);
  c.flops = 2 * products;
  return c;
}

const OpCases registered{[] {
  std::vector<OpCase> out{
      styles_case("three layers", 5, 12, {8, 16, 3}, {1, 1, 0.25}, 0.3),
      styles_case("one layer", 3, 8, {16}, {1}, 1),
      styles_case("odd sizes", 9, 67, {33, 1, 7}, {2, -1, 1}, 0.5),
      styles_case("one row, one number", 1, 1, {1}, {1}, 2),
      styles_case("zero rows", 0, 4, {8, 4}, {1, 1}, 1),
  };
  OpCase many = styles_case("sixteen layers", 2, 5, std::vector<std::int64_t>(16, 3),
                            std::vector<double>(16, 1.0), 1);
  out.push_back(many);
  OpCase bench = styles_case("G @32, batch 64", 64, 128, {256, 256, 256, 256, 256, 256, 128, 128},
                             std::vector<double>(8, 1.0), 0.088);
  bench.test = false;
  bench.bench = true;
  out.push_back(bench);
  return out;
}};

}  // namespace

}  // namespace scimix

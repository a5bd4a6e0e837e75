// The styles of all layers of a generator.
#include "kernels/modulate/styles.hpp"

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

// The styles made of small operators, for the second derivative.
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
  const auto buffer = [&](int input) {
    Tensor gradient = g.buffer(input);
    if (gradient.defined()) out[static_cast<std::size_t>(input)] = Variable(gradient);
    return gradient;
  };
  LayerTensors gstyles;
  LayerOutputs gweights;
  LayerOutputs gbiases;
  for (int l = 0; l < in.layers(); ++l) {
    if (g[l].defined()) gstyles[l] = g[l].value();
    gweights[l] = buffer(in.weight_at(l));
    gbiases[l] = buffer(in.bias_at(l));
  }
  styles_backward_layers(in.code().value(), table, gstyles, gweights, gbiases);
  if (Tensor gcode = buffer(0); gcode.defined()) styles_backward_code(table, gstyles, gcode);
  return out;
}

}  // namespace

std::vector<Variable> styles(const Variable& code, std::span<const StyleLayer> layers,
                             double gain) {
  const Inputs in = inputs_of(code, layers, gain);
  std::vector<Tensor> values;
  LayerOutputs made;
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

}  // namespace scimix

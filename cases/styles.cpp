// Cases of styles.
#include "autograd/ops.hpp"
#include "cases/op_case.hpp"

namespace scimix {

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

// Nobody uses the style of one layer: the gradients of its weight and bias are zeros.
[[nodiscard]] OpCase with_unused_style(OpCase c, std::ptrdiff_t layer) {
  const auto used = [layer](auto all) {
    all.erase(all.begin() + layer);
    return all;
  };
  c.run = [run = c.run, used](const Variables& in) { return used(run(in)); };
  c.definition = [define = c.definition, used](const HostArrays& in) { return used(define(in)); };
  return c;
}

const OpCases registered{[] {
  return std::vector{
      styles_case("three layers", 5, 12, {8, 16, 3}, {1, 1, 0.25}, 0.3),
      with_unused_style(styles_case("three layers, two used", 5, 12, {8, 16, 3}, {1, 2, 0.25}, 0.3),
                        1),
      styles_case("one layer", 3, 8, {16}, {1}, 1),
      styles_case("odd sizes", 9, 67, {33, 1, 7}, {2, -1, 1}, 0.5),
      styles_case("one row, one number", 1, 1, {1}, {1}, 2),
      styles_case("zero rows", 0, 4, {8, 4}, {1, 1}, 1),
      styles_case("sixteen layers", 2, 5, std::vector<std::int64_t>(16, 3),
                  std::vector<double>(16, 1.0), 1),
      timed(styles_case("G @32, batch 64", 64, 128, {256, 256, 256, 256, 256, 256, 128, 128},
                        std::vector<double>(8, 1.0), 0.088)),
  };
}};

}  // namespace

}  // namespace scimix

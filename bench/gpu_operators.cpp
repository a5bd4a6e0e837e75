// The operators of the GPU suite. They are sizes to time, not cases to test: the same operators are
// tested in autograd/ops.

#include "autograd/ops.hpp"
#include "bench/suite.hpp"
#include "core/error.hpp"

namespace scimix {

namespace {

constexpr double kSqrt2 = 1.4142135623730951;

OpCase timed(const char* op, std::string label, std::vector<OpInput> inputs,
             std::function<Variables(const Variables&)> run, double flops = 0) {
  OpCase c{.op = op, .label = std::move(label)};
  c.inputs = std::move(inputs);
  c.run = std::move(run);
  c.flops = flops;
  c.test = false;
  c.bench = true;
  return c;
}

struct ConvSize {
  const char* name;
  std::int64_t size, in, out, kernel;
  Conv2d conv;
};

std::vector<ConvSize> wrn_convolutions() {
  return {{"wrn 3>16 3x3 @32", 32, 3, 16, 3, {.stride = 1, .pad = 1}},
          {"wrn 16>32 3x3 @32", 32, 16, 32, 3, {.stride = 1, .pad = 1}},
          {"wrn 16>32 1x1 @32", 32, 16, 32, 1, {.stride = 1, .pad = 0}},
          {"wrn 32>32 3x3 @32", 32, 32, 32, 3, {.stride = 1, .pad = 1}},
          {"wrn 32>64 3x3/2 @32", 32, 32, 64, 3, {.stride = 2, .pad = 1}},
          {"wrn 32>64 1x1/2 @32", 32, 32, 64, 1, {.stride = 2, .pad = 0}},
          {"wrn 64>64 3x3 @16", 16, 64, 64, 3, {.stride = 1, .pad = 1}},
          {"wrn 64>128 3x3/2 @16", 16, 64, 128, 3, {.stride = 2, .pad = 1}},
          {"wrn 64>128 1x1/2 @16", 16, 64, 128, 1, {.stride = 2, .pad = 0}},
          {"wrn 128>128 3x3 @8", 8, 128, 128, 3, {.stride = 1, .pad = 1}}};
}

std::vector<ConvSize> discriminator_convolutions() {
  return {{"D 3>128 1x1 @32", 32, 3, 128, 1, {.stride = 1, .pad = 0}},
          {"D 128>128 3x3 @32", 32, 128, 128, 3, {.stride = 1, .pad = 1}},
          {"D 128>256 3x3/2 @34", 34, 128, 256, 3, {.stride = 2, .pad = 0}},
          {"D 256>256 3x3 @16", 16, 256, 256, 3, {.stride = 1, .pad = 1}},
          {"D 256>256 3x3 @8", 8, 256, 256, 3, {.stride = 1, .pad = 1}}};
}

// Forward, data gradient and weight gradient each by itself: cuDNN has an engine for each.
void add_convolutions(const std::vector<ConvSize>& sizes, std::int64_t batch,
                      std::vector<OpCase>& cases) {
  for (const ConvSize& z : sizes) {
    const std::int64_t out_size = (z.size + 2 * z.conv.pad - z.kernel) / z.conv.stride + 1;
    const Shape x{batch, z.size, z.size, z.in};
    const Shape w{z.out, z.kernel, z.kernel, z.in};
    const Shape y{batch, out_size, out_size, z.out};
    const double flops =
        2.0 * static_cast<double>(y.numel()) * static_cast<double>(z.kernel * z.kernel * z.in);
    const std::string label = text(z.name, ", batch ", batch);
    const Conv2d conv = z.conv;
    cases.push_back(timed(
        "conv2d", label, {{.shape = x}, {.shape = w}},
        [conv](const Variables& in) { return Variables{conv2d(in[0], in[1], conv)}; }, flops));
    cases.push_back(timed(
        "conv2d_dgrad", label, {{.shape = y}, {.shape = w}},
        [conv, x](const Variables& in) { return Variables{conv2d_dgrad(in[0], in[1], x, conv)}; },
        flops));
    cases.push_back(timed(
        "conv2d_wgrad", label, {{.shape = y}, {.shape = x}},
        [conv, w](const Variables& in) { return Variables{conv2d_wgrad(in[0], in[1], w, conv)}; },
        flops));
    // Their derivatives are the other two.
    for (auto c = cases.end() - 3; c != cases.end(); ++c) c->gradient = false;
  }
}

std::vector<OpInput> norm_parameters(std::int64_t channels) {
  const Shape shape{channels};
  return {{.shape = shape, .lo = 0.5, .hi = 1.5, .parameter = true},
          {.shape = shape, .parameter = true},
          {.shape = shape, .differentiable = false, .parameter = true},
          {.shape = shape, .lo = 0.5, .hi = 2.0, .differentiable = false, .parameter = true}};
}

// Running statistics are written although they are inputs: a copy of a Tensor shares its elements.
RunningStats running_of(const Variables& in, std::size_t first) {
  Tensor mean = in[first].value();
  Tensor variance = in[first + 1].value();
  return {mean, variance};
}

// Batch norm and leaky ReLU, of one input and of the sum of two.
void add_norms(std::int64_t batch, std::vector<OpCase>& cases) {
  BatchNorm options;
  options.slope = 0.1;
  for (const auto& [size, channels] : {std::pair{32, 32}, {16, 64}, {8, 128}}) {
    const Shape shape{batch, size, size, channels};
    const std::string label = text("wrn ", channels, " @", size, ", batch ", batch);
    std::vector<OpInput> inputs = norm_parameters(channels);
    inputs.insert(inputs.begin(), {.shape = shape});
    cases.push_back(timed("batch_norm", label, inputs, [options](const Variables& in) {
      const RunningStats running = running_of(in, 3);
      return Variables{batch_norm(in[0], in[1], in[2], running, options)};
    }));
    inputs.insert(inputs.begin(), {.shape = shape});
    cases.push_back(timed("add_batch_norm", label, inputs, [options](const Variables& in) {
      const AddBatchNorm out =
          add_batch_norm(in[0], in[1], in[2], in[3], running_of(in, 4), options);
      return Variables{out.sum, out.y};
    }));
  }
}

struct ModulatedSize {
  const char* name;
  std::int64_t size, in, out, kernel;  // size: of the input
  ModulatedConv conv;
};

// A filter for resampling; which numbers are in it does not matter.
OpInput filter() {
  return {.shape = {4, 4}, .differentiable = false, .parameter = true};
}

void add_generator(std::int64_t batch, std::vector<OpCase>& cases) {
  const ModulatedConv up{.up = true};
  const ModulatedConv rgb{.demodulate = false, .slope = 1, .gain = 1};
  for (const ModulatedSize& z : {ModulatedSize{"G 256>256 @8", 8, 256, 256, 3, {}},
                                 {"G 256>256 up @16", 8, 256, 256, 3, up},
                                 {"G 256>256 @16", 16, 256, 256, 3, {}},
                                 {"G 256>128 up @32", 16, 256, 128, 3, up},
                                 {"G 128>128 @32", 32, 128, 128, 3, {}},
                                 {"G to RGB @32", 32, 128, 3, 1, rgb}}) {
    const Shape x{batch, z.size, z.size, z.in};
    const Shape w =
        z.conv.up ? Shape{z.in, z.kernel, z.kernel, z.out} : Shape{z.out, z.kernel, z.kernel, z.in};
    const ModulatedConv conv = z.conv;
    cases.push_back(timed(
        "modulated_conv2d", text(z.name, ", batch ", batch),
        {{.shape = x},
         {.shape = w},
         {.shape = {batch, z.in}, .lo = 0.5, .hi = 1.5, .parameter = true},
         {.shape = {z.out}, .parameter = true}},
        [conv](const Variables& in) {
          return Variables{modulated_conv2d(in[0], in[1], in[2], in[3], {}, conv)};
        },
        2.0 * static_cast<double>(x.numel()) * static_cast<double>(z.kernel * z.kernel * z.out)));
  }
  cases.push_back(timed("upfirdn2d", text("G RGB up @32, batch ", batch),
                        {{.shape = {batch, 16, 16, 3}}, filter()}, [](const Variables& in) {
                          const UpFirDn twice{.up = 2, .pad = {2, 1, 2, 1}, .gain = 4.0};
                          return Variables{upfirdn2d(in[0], in[1].value(), twice)};
                        }));
}

void add_discriminator(std::int64_t batch, std::vector<OpCase>& cases) {
  add_convolutions(discriminator_convolutions(), batch, cases);
  const Shape shape{batch, 32, 32, 128};
  cases.push_back(timed("bias_act", text("D 128 @32, batch ", batch),
                        {{.shape = shape}, {.shape = {128}, .parameter = true}},
                        [](const Variables& in) {
                          return Variables{bias_act(in[0], in[1], {.slope = 0.2, .gain = kSqrt2})};
                        }));
  cases.push_back(timed("upfirdn2d", text("D 128 blur @32, batch ", batch),
                        {{.shape = shape}, filter()}, [](const Variables& in) {
                          const UpFirDn blur{.pad = {2, 2, 2, 2}};
                          return Variables{upfirdn2d(in[0], in[1].value(), blur)};
                        }));
}

// Behind the last map. The linear layer computes in f32 in a bf16 pass too.
void add_ends(std::int64_t batch, std::vector<OpCase>& cases) {
  const std::string label = text("wrn, batch ", batch);
  cases.push_back(timed("global_average_pool", label, {{.shape = {batch, 8, 8, 128}}},
                        [](const Variables& in) { return Variables{global_average_pool(in[0])}; }));
  cases.push_back(timed(
      "linear", label,
      {{.shape = {batch, 128}, .parameter = true},
       {.shape = {10, 128}, .parameter = true},
       {.shape = {10}, .parameter = true}},
      [](const Variables& in) { return Variables{linear(in[0], in[1], in[2])}; },
      2.0 * static_cast<double>(batch) * 128 * 10));
  cases.push_back(
      timed("cross_entropy", label,
            {{.shape = {batch, 10}, .parameter = true},
             {.shape = {batch}, .differentiable = false, .classes = 10}},
            [](const Variables& in) { return Variables{cross_entropy(in[0], in[1].value())}; }));
}

}  // namespace

std::vector<OpCase> gpu_operators(std::int64_t batch, std::int64_t gan_batch) {
  std::vector<OpCase> cases;
  add_convolutions(wrn_convolutions(), batch, cases);
  add_norms(batch, cases);
  add_ends(batch, cases);
  add_generator(2 * gan_batch, cases);
  add_discriminator(3 * gan_batch, cases);
  return cases;
}

}  // namespace scimix

#include "bench/run.hpp"

#include <algorithm>
#include <cstdint>

#include "autograd/tape.hpp"
#include "bench/peak_memory.hpp"
#include "cases/case_inputs.hpp"
#include "core/allocator.hpp"
#include "core/graph.hpp"
#include "core/work.hpp"
#include "kernels/conv/conv_counters.hpp"

namespace scimix {

namespace {

constexpr std::uint64_t kSeed = 1;

double bytes_of(const Variables& variables) {
  double sum = 0;
  for (const Variable& v : variables) {
    if (v.defined()) sum += static_cast<double>(v.value().bytes());
  }
  return sum;
}

// Returns whether `part` lies in the memory of `whole`.
bool lies_in(const Tensor& part, const Tensor& whole) {
  const auto offset =
      reinterpret_cast<std::intptr_t>(part.raw()) - reinterpret_cast<std::intptr_t>(whole.raw());
  return offset >= 0 && offset < static_cast<std::intptr_t>(whole.bytes());
}

// Bytes of those results that share no memory with what they were computed from: reshape, add and
// slice_rows hand a tensor or a part of it through.
double bytes_written(const Variables& results, const Variables& a, const Variables& b) {
  const auto shares = [](const Variable& result, const Variables& sources) {
    return std::ranges::any_of(
        sources, [&](const Variable& v) { return lies_in(result.value(), v.value()); });
  };
  double sum = 0;
  for (const Variable& v : results) {
    if (v.defined() && !shares(v, a) && !shares(v, b)) sum += bytes_of({v});
  }
  return sum;
}

Variables seeds_for(const Variables& outputs) {
  Variables seeds;
  for (const Variable& y : outputs) {
    const std::vector<double> ones(static_cast<std::size_t>(y.value().numel()), 1.0);
    seeds.emplace_back(Tensor::from(ones, y.shape(), y.dtype(), y.device()));
  }
  return seeds;
}

// Of the inputs, those with the most axes.
std::int64_t factors(const Variables& inputs) {
  std::int64_t count = 0;
  int most = 0;
  for (const Variable& input : inputs) {
    const int rank = input.shape().rank();
    if (rank > most) count = 0;
    most = std::max(most, rank);
    if (rank == most) ++count;
  }
  return count;
}

// Times an operator's call. On a GPU the call is recorded, so that what is timed are the kernels
// and not the host, which launches them more slowly than they run.
Timing time_recorded(const std::function<void()>& call, const BenchSettings& settings) {
  if (settings.device.is_cpu()) return time_calls(call, settings.device, settings.min_time);
  call();  // convolutions measure their plans outside of recordings
  const MemoryArena arena(settings.device);
  const Graph graph(settings.device, arena, call);
  return time_calls([&] { graph.replay(); }, settings.device, settings.min_time);
}

Variables differentiable(const Variables& inputs) {
  Variables live;
  for (const Variable& input : inputs) {
    if (input.requires_grad()) live.push_back(input);
  }
  return live;
}

// Returns the gradients of all differentiable inputs for cotangents that differ from each other, so
// that sums of them depend on which ones are added.
std::vector<std::vector<double>> gradients_of(const OpCase& c, const Variables& inputs) {
  const Variables live = differentiable(inputs);
  const Variables outputs = c.run(inputs);
  Variables cotangents;
  for (const Variable& y : outputs) {
    std::vector<double> values(static_cast<std::size_t>(y.value().numel()));
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = 1.0 + static_cast<double>(i * 7 % 101) / 128;  // also exact in bf16
    }
    cotangents.emplace_back(Tensor::from(values, y.shape(), y.dtype(), y.value().device()));
  }
  std::vector<std::vector<double>> found;
  for (const Variable& gradient : grad(outputs, live, cotangents)) {
    found.push_back(gradient.defined() ? gradient.value().to_doubles() : std::vector<double>());
  }
  return found;
}

// Bytes of those inputs on whose values the gradients depend. The backward pass of a sum, for
// example, reads none, and that of a filter only the filter.
double bytes_read(const OpCase& c, const BenchSettings& settings) {
  const auto variables = [&](const HostArrays& values) {
    return to_variables(c, values, settings.dtype, settings.device);
  };
  const HostArrays values = draw_inputs(c, settings.dtype, kSeed);
  const HostArrays others = draw_inputs(c, settings.dtype, kSeed + 1);
  const auto expected = gradients_of(c, variables(values));
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    HostArrays changed = values;
    changed[i] = others[i];
    const Variables inputs = variables(changed);
    if (gradients_of(c, inputs) != expected) sum += bytes_of({inputs[i]});
  }
  return sum;
}

BenchResult time_backward(const OpCase& c, const Variables& inputs, const BenchSettings& settings) {
  const Variables live = differentiable(inputs);
  const Variables outputs = c.run(inputs);
  const Variables seeds = seeds_for(outputs);
  Variables gradients;
  BenchResult result{.name = c.op, .label = c.label, .pass = "backward"};
  result.timing = time_recorded(
      [&] {
        gradients.clear();  // so that each call finds the memory of the last one free
        gradients = grad(outputs, live, seeds, {.retain_graph = true});
      },
      settings);
  const double written = bytes_written(gradients, inputs, seeds);
  if (written == 0) return result;  // nothing moved, nothing was computed
  result.flops = c.flops * static_cast<double>(factors(live));
  result.bytes = bytes_of(seeds) + bytes_read(c, settings) + written;
  return result;
}

// Returns the multiplications and additions of the convolutions that `call` executes on a CPU, as
// they are defined: Winograd's algorithm needs fewer.
double convolution_flops(const std::function<void()>& call) {
  double sum = 0;
  listen_to_convs([&](ConvKind /*kind*/, const Conv2dGeometry& g) { sum += g.flops(); });
  call();
  listen_to_convs({});
  return sum;
}

}  // namespace

std::string BenchSettings::precision() const {
  return tf32 ? "tf32" : std::string(name_of(dtype));
}

std::vector<BenchResult> time_operator(const OpCase& c, const BenchSettings& settings) {
  const Variables inputs =
      to_variables(c, draw_inputs(c, settings.dtype, kSeed), settings.dtype, settings.device);
  BenchResult forward{.name = c.op, .label = c.label, .pass = "forward", .flops = c.flops};
  Variables outputs;
  forward.timing = time_recorded(
      [&] {
        outputs.clear();
        outputs = c.run(inputs);
      },
      settings);
  const double written = bytes_written(outputs, inputs, {});
  forward.bytes = written == 0 ? 0 : bytes_of(inputs) + written;
  outputs.clear();
  std::vector<BenchResult> results{forward};
  if (c.gradient) results.push_back(time_backward(c, inputs, settings));
  return results;
}

BenchResult time_step(const BenchStep& step, const BenchSettings& settings) {
  release_cached(settings.device);
  reset_peak_memory(settings.device);
  const std::function<void(int)> run = step.prepare(settings.device, settings.dtype);
  const WorkCounts before = work_counts();
  run(1);
  const std::int64_t launches = (work_counts() - before).launches();
  const bool counts = step.flops == 0 && settings.device.is_cpu();  // a GPU replays graphs
  const double flops = counts ? convolution_flops([&] { run(1); }) : step.flops;
  BenchResult result{.name = step.name,
                     .label = step.label,
                     .pass = "step",
                     .timing = time_many(run, settings.device, settings.min_time, step.cycle),
                     .flops = flops,
                     .bytes = step.bytes,
                     .images = step.images,
                     .launches = launches};
  result.peak_memory = peak_memory(settings.device);
  return result;
}

}  // namespace scimix

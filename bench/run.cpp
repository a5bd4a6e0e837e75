#include "bench/run.hpp"

#include <algorithm>
#include <cstdint>

#include "autograd/tape.hpp"
#include "bench/peak_memory.hpp"
#include "cases/case_inputs.hpp"
#include "core/allocator.hpp"
#include "core/graph.hpp"
#include "core/work.hpp"

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

// Returns whether the backward pass depends on the values of the inputs: other inputs then give
// other gradients. That of a sum, for example, does not read them.
bool reads_inputs(const OpCase& c, const Variables& gradients, const Variables& seeds,
                  const BenchSettings& settings) {
  const Variables others =
      to_variables(c, draw_inputs(c, settings.dtype, kSeed + 1), settings.dtype, settings.device);
  Variables live;
  for (const Variable& input : others) {
    if (input.requires_grad()) live.push_back(input);
  }
  const Variables found = grad(c.run(others), live, seeds);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i].defined() != gradients[i].defined()) return true;
    if (found[i].defined() && found[i].value().to_doubles() != gradients[i].value().to_doubles()) {
      return true;
    }
  }
  return false;
}

BenchResult time_backward(const OpCase& c, const Variables& inputs, const BenchSettings& settings) {
  Variables live;
  for (const Variable& input : inputs) {
    if (input.requires_grad()) live.push_back(input);
  }
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
  const double read = reads_inputs(c, gradients, seeds, settings) ? bytes_of(inputs) : 0;
  result.bytes = bytes_of(seeds) + read + written;
  return result;
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
  BenchResult result{.name = step.name,
                     .label = step.label,
                     .pass = "step",
                     .timing = time_many(run, settings.device, settings.min_time, step.cycle),
                     .flops = step.flops,
                     .bytes = step.bytes,
                     .images = step.images,
                     .launches = launches};
  result.peak_memory = peak_memory(settings.device);
  return result;
}

}  // namespace scimix

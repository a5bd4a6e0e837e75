#include "tests/op_harness.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include "autograd/tape.hpp"
#include "cases/case_inputs.hpp"
#include "core/random.hpp"
#include "kernels/launch/phase_order.hpp"

namespace scimix {

namespace {

constexpr double kF64Tolerance = 1e-10;  // rounding of some thousand terms, and far below any bug
constexpr double kSameNumbers = 1e-12;   // the same sums in f64, contracted differently at most
constexpr double kSlopeTolerance = 1e-6;
// A gradient passes through the forward pass, the backward pass, and often a sum over the batch.
// Each adds an error as large as the forward pass alone.
constexpr double kGradientFactor = 8.0;

enum Stream : std::uint64_t { kInputs = 1, kSeeds = 2, kDirections = 3 };

// ---- running a case ----------------------------------------------------------------------------

struct Plan {
  DType dtype = DType::f64;
  Device device = kCpu;
  bool second = false;            // also d<direction, gradient>
  std::vector<bool> wanted = {};  // inputs that require a gradient; all when empty
  bool differentiable_seeds = false;
  bool create_graph = false;
};

// What a run gave. Gradients are one per input, zeros where none arrived; `second` is one per input
// and one per output's seed.
struct Outcome {
  HostArrays outputs;
  HostArrays gradients;
  HostArrays second;
};

HostArrays values_of(const Variables& variables) {
  HostArrays out;
  for (const Variable& v : variables) out.push_back(to_host_array(v.value()));
  return out;
}

HostArrays draw_like(const HostArrays& arrays, std::uint64_t stream) {
  HostArrays out;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    Random random(stream, Purpose::test, 1, static_cast<std::uint32_t>(i));
    HostArray values(arrays[i].shape);
    for (double& value : values.values) value = random.uniform(-1.0F, 1.0F);
    out.push_back(std::move(values));
  }
  return out;
}

Variables run_forward(const OpCase& c, const HostArrays& inputs, const Plan& plan) {
  const NoGrad no_grad;
  return c.run(to_variables(c, inputs, plan.dtype, plan.device));
}

// One random cotangent per output, of values that the output's element type can hold.
HostArrays draw_seeds(const OpCase& c, const HostArrays& inputs, const Plan& plan) {
  const Variables outputs = run_forward(c, inputs, plan);
  HostArrays seeds = draw_like(values_of(outputs), kSeeds);
  for (std::size_t i = 0; i < seeds.size(); ++i) seeds[i] = rounded(seeds[i], outputs[i].dtype());
  return seeds;
}

Variables seed_variables(const HostArrays& seeds, const Variables& outputs, bool live) {
  SCIMIX_CHECK(seeds.size() == outputs.size(), outputs.size(), " outputs, ", seeds.size(),
               " seeds");
  Variables out;
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    out.emplace_back(
        Tensor::from(seeds[i].values, seeds[i].shape, outputs[i].dtype(), outputs[i].device()),
        live);
  }
  return out;
}

Variables only_live(const Variables& variables) {
  Variables out;
  for (const Variable& v : variables) {
    if (v.requires_grad()) out.push_back(v);
  }
  return out;
}

// Puts the gradients of the live variables at their places among all of them.
HostArrays spread(const Variables& all, const Variables& found) {
  HostArrays out;
  std::size_t next = 0;
  for (const Variable& v : all) {
    HostArray values(v.shape());
    if (v.requires_grad()) {
      const Variable& gradient = found[next++];
      if (gradient.defined()) values = to_host_array(gradient.value());
    }
    out.push_back(std::move(values));
  }
  return out;
}

// <direction, gradient> differentiated by every input and seed. `gradients` are those of the live
// inputs, in their order.
HostArrays run_second(const Variables& gradients, const Variables& inputs, const Variables& seeds) {
  Variables all = inputs;
  all.insert(all.end(), seeds.begin(), seeds.end());
  const HostArrays directions = draw_like(values_of(inputs), kDirections);
  Variables outputs;
  Variables cotangents;
  std::size_t next = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].requires_grad()) continue;
    const Variable& gradient = gradients[next++];
    if (!gradient.requires_grad()) continue;
    outputs.push_back(gradient);
    cotangents.emplace_back(Tensor::from(directions[i].values, directions[i].shape,
                                         gradient.dtype(), gradient.device()));
  }
  return spread(all, grad(outputs, only_live(all), cotangents));
}

Outcome run_case(const OpCase& c, const HostArrays& inputs, const HostArrays& seeds,
                 const Plan& plan) {
  Outcome out;
  const Variables in = to_variables(c, inputs, plan.dtype, plan.device, plan.wanted);
  const Variables outputs = c.run(in);
  const Variables seed = seed_variables(seeds, outputs, plan.differentiable_seeds || plan.second);
  const Variables live = only_live(in);
  out.outputs = values_of(outputs);
  if (live.empty()) return out;
  const Variables gradients =
      grad(outputs, live, seed, {.create_graph = plan.create_graph || plan.second});
  out.gradients = spread(in, gradients);
  if (plan.second) out.second = run_second(gradients, in, seed);
  return out;
}

// ---- comparing ---------------------------------------------------------------------------------

std::string who(const OpCase& c, DType dtype) {
  return text(c.op, " '", c.label, "' ", name_of(dtype), ": ");
}

double largest(const HostArray& array) {
  double out = 0;
  for (const double value : array.values) out = std::max(out, std::abs(value));
  return out;
}
double largest(const HostArrays& arrays) {
  double out = 0;
  for (const HostArray& array : arrays) out = std::max(out, largest(array));
  return out;
}

// Says where `got` is furthest from `expected`, if that is more than `tolerance` times the largest
// expected magnitude. Where all that is expected is rounding noise around zero, `natural_scale` is
// what the noise is compared to.
std::optional<std::string> difference(const HostArray& got, const HostArray& expected,
                                      double tolerance, double natural_scale) {
  if (got.shape != expected.shape) {
    return text("shape ", got.shape, ", expected ", expected.shape);
  }
  double scale = largest(expected);
  if (!(scale > 1e-12 * natural_scale)) scale = natural_scale;
  std::int64_t worst = 0;
  double worst_error = -1;
  for (std::int64_t i = 0; i < std::ssize(got.values); ++i) {
    double error = std::abs(got[i] - expected[i]);
    if (!std::isfinite(error)) error = std::numeric_limits<double>::infinity();
    if (error > worst_error) {
      worst_error = error;
      worst = i;
    }
  }
  if (worst_error <= tolerance * scale) return std::nullopt;
  std::ostringstream out;
  out.precision(10);
  out << "element " << worst << " of " << got.shape << ": expected " << expected[worst] << ", got "
      << got[worst];
  out.precision(3);
  out << " (off by " << worst_error / scale << " of the largest magnitude, allowed " << tolerance
      << ")";
  return out.str();
}

void compare(Findings& findings, const std::string& prefix, const HostArrays& got,
             const HostArrays& expected, double tolerance, double natural_scale) {
  if (got.size() != expected.size()) {
    findings.push_back(text(prefix, got.size(), " arrays, expected ", expected.size()));
    return;
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (const auto what = difference(got[i], expected[i], tolerance, natural_scale)) {
      findings.push_back(text(prefix, i, ": ", *what));
    }
  }
}

// Compares all that two runs gave.
void compare(Findings& findings, const std::string& prefix, const Outcome& got,
             const Outcome& expected, double tolerance, double natural_scale) {
  compare(findings, prefix + "output ", got.outputs, expected.outputs, tolerance, natural_scale);
  compare(findings, prefix + "gradient of input ", got.gradients, expected.gradients, tolerance,
          natural_scale);
  compare(findings, prefix + "second derivative by input or seed ", got.second, expected.second,
          tolerance, natural_scale);
}

// Runs a check; what it throws is a finding too.
template <class Body>
Findings guarded(const OpCase& c, const char* check, Body body) {
  Findings findings;
  try {
    body(findings);
  } catch (const std::exception& error) {
    findings.push_back(text(c.op, " '", c.label, "' ", check, " threw: ", error.what()));
  }
  return findings;
}

// ---- difference quotients ----------------------------------------------------------------------

struct Slope {
  double value = 0;
  double uncertainty = std::numeric_limits<double>::infinity();
};

// f'(0) by the five-point rule (error of order h^4), at two steps whose disagreement is the
// uncertainty. A step that straddles a kink shows as a large one; a shorter step then misses the
// kink. Truncation and rounding leave about 1e-12 relative at the first step, 1e-9 at the last.
template <class F>
Slope slope_at_zero(F f, double good_enough) {
  Slope best;
  for (const double h : {1e-3, 1e-4, 1e-5, 1e-6}) {
    const double once = f(h) - f(-h);
    const double coarse = (8 * once - (f(2 * h) - f(-2 * h))) / (12 * h);
    const double fine = (8 * (f(h / 2) - f(-h / 2)) - once) / (6 * h);
    const double uncertainty = std::abs(coarse - fine);
    if (uncertainty < best.uncertainty) best = {fine, uncertainty};
    if (best.uncertainty <= good_enough) break;
  }
  return best;
}

double dot(const HostArray& a, const HostArray& b) {
  long double sum = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    sum += static_cast<long double>(a.values[i]) * b.values[i];
  }
  return static_cast<double>(sum);
}
double dot(const HostArrays& a, const HostArrays& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += dot(a[i], b[i]);
  return sum;
}
double norm(const HostArray& a) {
  return std::sqrt(dot(a, a));
}

// Root of the sum of squares of the terms of <a, b>: how large rounding makes their sum uncertain.
double norm_of_terms(const HostArrays& a, const HostArrays& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < a[i].values.size(); ++j) {
      sum += std::pow(a[i].values[j] * b[i].values[j], 2);
    }
  }
  return std::sqrt(sum);
}

struct Direction {
  std::string name;
  HostArray step;
};

// A few dense random directions, which see every element at once, and single elements, which say
// where a mistake is.
std::vector<Direction> directions_of(const HostArray& point, std::uint32_t item) {
  constexpr int kDense = 3;
  constexpr std::int64_t kSingle = 16;
  const auto n = std::ssize(point.values);
  std::vector<Direction> out;
  if (n == 0) return out;
  Random random(kDirections, Purpose::test, 2, item);
  for (int i = 0; i < kDense; ++i) {
    Direction direction{text("random direction ", i), HostArray(point.shape)};
    for (double& value : direction.step.values) value = random.uniform(-1.0F, 1.0F);
    out.push_back(std::move(direction));
  }
  for (std::int64_t i = 0; i < std::min(n, kSingle); ++i) {
    const std::int64_t element = n <= kSingle ? i : random.below(static_cast<std::uint32_t>(n));
    Direction direction{text("element ", element), HostArray(point.shape)};
    direction.step[element] = 1;
    out.push_back(std::move(direction));
  }
  return out;
}

struct SlopeCheck {
  std::function<double(const HostArrays&)> objective;
  HostArrays point;
  HostArrays analytic;             // the gradient of the objective
  std::vector<std::string> names;  // of the arrays; an empty one is not checked
  double noise_scale = 0;          // norm of the terms that the objective sums
};

// The error is relative to the slope itself, or, where that is small by chance, to what a direction
// of this length typically sees: |g| |d| / sqrt(n). Gradients that cancel to zero are compared with
// 1e-4 of the objective's own scale.
void check_slopes(Findings& findings, const std::string& prefix, const SlopeCheck& check) {
  for (std::size_t k = 0; k < check.point.size(); ++k) {
    if (check.names[k].empty()) continue;
    const HostArray& gradient = check.analytic[k];
    const double size = std::sqrt(static_cast<double>(gradient.values.size()));
    for (const Direction& d : directions_of(check.point[k], static_cast<std::uint32_t>(k))) {
      const double expected = dot(gradient, d.step);
      const double typical = norm(gradient) * norm(d.step) / size;
      const double floor = std::max({typical, std::abs(expected), 1e-4 * check.noise_scale});
      HostArrays moved = check.point;
      const Slope slope = slope_at_zero(
          [&](double t) {
            for (std::size_t i = 0; i < moved[k].values.size(); ++i) {
              moved[k].values[i] = check.point[k].values[i] + t * d.step.values[i];
            }
            return check.objective(moved);
          },
          0.01 * kSlopeTolerance * floor);
      const double scale = std::max(floor, std::abs(slope.value));
      const double error = std::abs(slope.value - expected);
      // Where all is zero the scale is too: then nothing but zero passes, and NaN never does.
      if (error <= kSlopeTolerance * scale && slope.uncertainty <= 0.5 * kSlopeTolerance * scale) {
        continue;
      }
      std::ostringstream out;
      out.precision(12);
      out << prefix << check.names[k] << ' ' << gradient.shape << ", " << d.name << ": analytic "
          << expected << ", by differences " << slope.value;
      out.precision(3);
      out << " (off by " << error << ", uncertainty of the differences " << slope.uncertainty
          << ", allowed " << kSlopeTolerance << " of " << scale << ")";
      findings.push_back(out.str());
      break;  // one line for each array is enough to find the mistake
    }
  }
}

std::vector<std::string> input_names(const OpCase& c) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    const bool checked = c.inputs[i].differentiable && c.inputs[i].classes == 0;
    names.push_back(checked ? text("input ", i) : "");
  }
  return names;
}

bool has_second(const OpCase& c) {
  return c.gradient && c.second_gradient;
}

}  // namespace

// ---- the checks --------------------------------------------------------------------------------

Findings check_forward(const OpCase& c, DType dtype, Device device) {
  return guarded(c, "forward", [&](Findings& findings) {
    if (!c.definition) {
      findings.push_back(text(c.op, " '", c.label, "' has no definition to compare with"));
      return;
    }
    const Plan plan{.dtype = dtype, .device = device};
    const HostArrays inputs = draw_inputs(c, dtype, kInputs);
    const HostArrays got = values_of(run_forward(c, inputs, plan));
    const double tolerance = dtype == DType::f64    ? kF64Tolerance
                             : dtype == DType::bf16 ? c.tolerance.bf16
                                                    : c.tolerance.f32;
    compare(findings, who(c, dtype) + "output ", got, c.definition(inputs), tolerance,
            largest(inputs));
  });
}

Findings check_gradient(const OpCase& c) {
  return guarded(c, "gradient", [&](Findings& findings) {
    const Plan plan{};
    const HostArrays inputs = draw_inputs(c, plan.dtype, kInputs);
    const HostArrays seeds = draw_seeds(c, inputs, plan);
    const Outcome analytic = run_case(c, inputs, seeds, plan);
    if (analytic.gradients.empty()) {
      findings.push_back(who(c, plan.dtype) + "no input is differentiable, but gradient = true");
      return;
    }
    check_slopes(findings, who(c, plan.dtype) + "gradient of ",
                 {.objective =
                      [&](const HostArrays& point) {
                        return dot(seeds, values_of(run_forward(c, point, plan)));
                      },
                  .point = inputs,
                  .analytic = analytic.gradients,
                  .names = input_names(c),
                  .noise_scale = norm_of_terms(seeds, analytic.outputs)});
  });
}

namespace {

// A case without second derivatives says so when somebody asks for one.
void expect_refusal(Findings& findings, const OpCase& c, const HostArrays& inputs,
                    const HostArrays& seeds) {
  try {
    const Outcome outcome = run_case(c, inputs, seeds, {.second = true});
    findings.push_back(who(c, DType::f64) +
                       "says that it has no second derivative, but did not throw");
  } catch (const Error& error) {
    if (std::string(error.what()).find(c.op) != std::string::npos) return;
    findings.push_back(
        text(who(c, DType::f64), "refused a second derivative without its name: ", error.what()));
  }
}

}  // namespace

Findings check_second_gradient(const OpCase& c) {
  return guarded(c, "second derivative", [&](Findings& findings) {
    const Plan first{};
    const HostArrays inputs = draw_inputs(c, first.dtype, kInputs);
    const HostArrays seeds = draw_seeds(c, inputs, first);
    if (!c.second_gradient) return expect_refusal(findings, c, inputs, seeds);

    const Outcome plain = run_case(c, inputs, seeds, first);
    const Outcome analytic = run_case(c, inputs, seeds, {.second = true});
    if (plain.gradients.empty()) return;
    compare(findings, who(c, first.dtype) + "with create_graph, gradient of input ",
            analytic.gradients, plain.gradients, kF64Tolerance, largest(seeds));

    const HostArrays directions = draw_like(inputs, kDirections);
    HostArrays point = inputs;
    std::vector<std::string> names = input_names(c);
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      point.push_back(seeds[i]);
      names.push_back(text("seed ", i));
    }
    const auto inputs_end = static_cast<std::ptrdiff_t>(inputs.size());
    check_slopes(findings, who(c, first.dtype) + "second derivative by ",
                 {.objective =
                      [&](const HostArrays& at) {
                        const HostArrays in(at.begin(), at.begin() + inputs_end);
                        const HostArrays seed(at.begin() + inputs_end, at.end());
                        return dot(directions, run_case(c, in, seed, first).gradients);
                      },
                  .point = point,
                  .analytic = analytic.second,
                  .names = names,
                  .noise_scale = norm_of_terms(directions, plain.gradients)});
  });
}

Findings check_gradient_in(const OpCase& c, DType dtype, Device device) {
  return guarded(c, "gradient", [&](Findings& findings) {
    const Plan plan{.dtype = dtype, .device = device};
    const HostArrays inputs = draw_inputs(c, dtype, kInputs);
    const HostArrays seeds = draw_seeds(c, inputs, plan);
    const Outcome expected = run_case(c, inputs, seeds, {});
    const Outcome got = run_case(c, inputs, seeds, plan);
    const double tolerance =
        kGradientFactor * (dtype == DType::bf16 ? c.tolerance.bf16 : c.tolerance.f32);
    compare(findings, who(c, dtype) + "gradient of input ", got.gradients, expected.gradients,
            tolerance, largest(seeds));
  });
}

Findings check_memory(const OpCase& c, DType dtype, Device device) {
  return guarded(c, "under guarded memory", [&](Findings& findings) {
    const HostArrays inputs = draw_inputs(c, dtype, kInputs);
    const auto run = [&](bool second) {
      const Plan plan{.dtype = dtype, .device = device, .second = second};
      if (!c.gradient) return Outcome{values_of(run_forward(c, inputs, plan)), {}, {}};
      return run_case(c, inputs, draw_seeds(c, inputs, plan), plan);
    };
    for (const bool second : has_second(c) ? std::vector{false, true} : std::vector{false}) {
      Outcome fenced;
      {
        const MemoryCheck check;
        fenced = run(second);
        const std::string violations = check.violations();
        if (!violations.empty()) {
          findings.push_back(who(c, dtype) + violations);
          return;  // without fences it would write into somebody else's memory
        }
      }
      compare(findings, who(c, dtype) + "with poisoned memory, ", fenced, run(second), 0.0, 0.0);
    }
  });
}

Findings check_phase_order(const OpCase& c) {
  return guarded(c, "in shuffled order", [&](Findings& findings) {
    for (const DType dtype : {DType::f64, DType::f32}) {
      const HostArrays inputs = draw_inputs(c, dtype, kInputs);
      const HostArrays seeds = c.gradient ? draw_seeds(c, inputs, {.dtype = dtype}) : HostArrays{};
      const auto run = [&] {
        const Plan plan{.dtype = dtype, .second = has_second(c)};
        if (c.gradient) return run_case(c, inputs, seeds, plan);
        return Outcome{values_of(run_forward(c, inputs, plan)), {}, {}};
      };
      const Outcome plain = run();
      const ShufflePhases shuffle;
      // Not bit for bit: the compiler may contract a*b+c*d differently in a loop that it
      // vectorised.
      compare(findings, who(c, dtype) + "with shuffled phases, ", run(), plain,
              dtype == DType::f64 ? kSameNumbers : c.tolerance.f32, largest(inputs));
    }
  });
}

Findings check_wanted(const OpCase& c, DType dtype, Device device) {
  return guarded(c, "with one gradient wanted", [&](Findings& findings) {
    if (std::ranges::count_if(c.inputs, &OpInput::differentiable) < 2) return;
    const Plan together{.dtype = dtype, .device = device};
    const HostArrays inputs = draw_inputs(c, dtype, kInputs);
    const HostArrays seeds = draw_seeds(c, inputs, together);
    const Outcome all = run_case(c, inputs, seeds, together);
    // The same sums of the same terms, but the compiler may contract a*b+c*d differently where it
    // has made two loops of one. In f32 and bf16 the difference is at most the operator's own
    // tolerance.
    const double tolerance = dtype == DType::f64    ? kSameNumbers
                             : dtype == DType::bf16 ? c.tolerance.bf16
                                                    : c.tolerance.f32;
    for (std::size_t i = 0; i < c.inputs.size(); ++i) {
      if (!c.inputs[i].differentiable) continue;
      Plan alone = together;
      alone.wanted.assign(c.inputs.size(), false);
      alone.wanted[i] = true;
      const Outcome one = run_case(c, inputs, seeds, alone);
      if (one.gradients.empty()) continue;
      if (const auto what =
              difference(one.gradients[i], all.gradients[i], tolerance, largest(seeds))) {
        findings.push_back(text(who(c, dtype), "gradient of input ", i, " wanted alone: ", *what));
      }
    }
  });
}

Findings check_released(const OpCase& c) {
  return guarded(c, "release", [&](Findings& findings) {
    const auto run = [&] {
      const HostArrays inputs = draw_inputs(c, DType::f32, kInputs);
      const HostArrays seeds = draw_seeds(c, inputs, {.dtype = DType::f32});
      if (!c.gradient) return;
      static_cast<void>(run_case(c, inputs, seeds, {.dtype = DType::f32}));
      if (!has_second(c)) return;
      static_cast<void>(run_case(c, inputs, seeds, {.dtype = DType::f32, .second = true}));
    };
    run();  // plans and workspaces that a library keeps for these shapes
    const std::size_t before = memory_stats(kCpu).in_use;
    run();
    const std::size_t after = memory_stats(kCpu).in_use;
    if (after != before) {
      findings.push_back(text(who(c, DType::f32), after - before, " bytes are still held"));
    }
  });
}

}  // namespace scimix

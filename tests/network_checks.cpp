#include "tests/network_checks.hpp"

#include <algorithm>
#include <cmath>

#include "autograd/tape.hpp"

namespace scimix {

namespace {

std::vector<double> normal_values(std::int64_t count, std::uint32_t item) {
  Random random(7, Purpose::test, 0, item);
  std::vector<double> values(static_cast<std::size_t>(count));
  for (double& value : values) value = normal(random);
  return values;
}

void set(Tensor& target, const std::vector<double>& values) {
  target.copy_(Tensor::from(values, target.shape(), target.dtype(), target.device()));
}

struct Leaf {
  std::string name;
  Tensor value;
  std::vector<double> gradient;
};

std::string check_leaf(Leaf& leaf, std::uint32_t item, const std::function<double()>& loss) {
  const std::vector<double> point = leaf.value.to_doubles();
  const std::vector<double> direction = normal_values(leaf.value.numel(), item);
  const auto loss_at = [&](double t) {
    std::vector<double> moved = point;
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] += t * direction[i];
    set(leaf.value, moved);
    return loss();
  };
  // The five-point rule: its error is of order h^4. The step is short beside the scale on which a
  // deviation sqrt(v + 1e-8) bends, and so that hardly any of some thousand activations crosses its
  // kink. Some layers of f64 arithmetic round the loss to 1e-15 of it.
  constexpr double kStep = 1e-6;
  const double rounding = 1e-15 * std::abs(loss()) / kStep;
  const auto slope = [&](double h) { return (loss_at(h) - loss_at(-h)) / (2 * h); };
  const double found = (4 * slope(kStep) - slope(2 * kStep)) / 3;
  set(leaf.value, point);
  double expected = 0;
  double norm = 0;
  for (std::size_t i = 0; i < direction.size(); ++i) {
    expected += leaf.gradient[i] * direction[i];
    norm += leaf.gradient[i] * leaf.gradient[i];
  }
  // A random direction meets a gradient at about its norm.
  if (norm > 0 && std::abs(found - expected) <= 1e-6 * std::sqrt(norm) + rounding) return {};
  return text(leaf.name, ": backward gives ", expected, ", differences ", found,
              ", norm of the gradient ", std::sqrt(norm), ", rounding ", rounding);
}

}  // namespace

Tensor normal_tensor(const Shape& shape, DType dtype, std::uint32_t item) {
  return Tensor::from(normal_values(shape.numel(), item), shape, dtype);
}

double mean_square(const Tensor& tensor) {
  double sum = 0;
  for (const double value : tensor.to_doubles()) sum += value * value;
  return sum / static_cast<double>(tensor.numel());
}

double max_difference(const Tensor& a, const Tensor& b) {
  SCIMIX_CHECK(a.shape() == b.shape(), a.shape(), " beside ", b.shape());
  const std::vector<double> x = a.to_doubles();
  const std::vector<double> y = b.to_doubles();
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::abs(x[i] - y[i]));
  return worst;
}

Tensor parameter_named(const ParameterStore& store, const std::string& name) {
  for (const ParameterStore::Named& parameter : store.parameters()) {
    if (parameter.name == name) return parameter.value();
  }
  SCIMIX_CHECK(false, "no parameter ", name);
  return {};
}

void copy_parameters(const ParameterStore& from, const ParameterStore& to) {
  for (ParameterStore::Named& parameter : to.parameters()) {
    const std::vector<double> values = parameter_named(from, parameter.name).to_doubles();
    parameter.change([&](Tensor& value) { set(value, values); });
  }
}

std::vector<std::string> parameter_names(const ParameterStore& store) {
  std::vector<std::string> names;
  for (const auto& parameter : store.parameters()) names.push_back(parameter.name);
  std::sort(names.begin(), names.end());
  return names;
}

void disturb(ParameterStore& store, double deviation) {
  std::uint32_t item = 1000;
  for (ParameterStore::Named& parameter : store.parameters()) {
    std::vector<double> values = parameter.value().to_doubles();
    const std::vector<double> change = normal_values(parameter.value().numel(), item++);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += deviation * change[i];
    parameter.change([&](Tensor& value) { set(value, values); });
  }
}

std::vector<std::string> check_network_gradients(ParameterStore& store,
                                                 std::vector<Variable> inputs,
                                                 const std::function<Variable()>& loss) {
  store.zero_grad();
  for (Variable& input : inputs) input.clear_grad();
  backward(loss());
  std::vector<Leaf> leaves;
  const auto parameters = store.parameters();
  const auto gradients = store.gradients();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    leaves.push_back(
        {parameters[i].name, parameters[i].value(), gradients[i].value().to_doubles()});
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    leaves.push_back({text("input ", i), inputs[i].value(), inputs[i].grad().to_doubles()});
  }
  std::vector<std::string> findings;
  std::uint32_t item = 2000;
  for (Leaf& leaf : leaves) {
    const std::string finding =
        check_leaf(leaf, item++, [&] { return loss().value().to_doubles()[0]; });
    if (!finding.empty()) findings.push_back(finding);
  }
  return findings;
}

}  // namespace scimix

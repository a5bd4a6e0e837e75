// What the tests of networks share: random inputs, and the gradients of a whole network against
// central differences.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "models/module.hpp"

namespace scimix {

// Standard normal values; `item` tells tensors of one test apart.
[[nodiscard]] Tensor normal_tensor(const Shape& shape, DType dtype, std::uint32_t item = 0);

[[nodiscard]] double mean_square(const Tensor& tensor);
[[nodiscard]] double max_difference(const Tensor& a, const Tensor& b);

// The value of the parameter of that name, which shares memory with the network.
[[nodiscard]] Tensor parameter_named(const ParameterStore& store, const std::string& name);

// Copies the parameters of a network to one of the same architecture, whose dtype may differ.
void copy_parameters(const ParameterStore& from, const ParameterStore& to);

// Sorted.
[[nodiscard]] std::vector<std::string> parameter_names(const ParameterStore& store);

// Adds normal numbers times `deviation` to all parameters: biases and noise strengths begin at
// values at which a mistake can hide.
void disturb(ParameterStore& store, double deviation);

// f64 networks. `loss` runs a forward pass and returns a scalar. For every parameter and every
// input (a leaf that requires a gradient), the derivative along one random direction by central
// differences must be that of backward(). Returns what is wrong, one line each.
[[nodiscard]] std::vector<std::string> check_network_gradients(
    ParameterStore& store, std::vector<Variable> inputs, const std::function<Variable()>& loss);

}  // namespace scimix

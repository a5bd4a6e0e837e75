// Sums over axes and their adjoint, broadcasting. sum_to and broadcast_to are each other's
// derivative; all other operators here are made of them.
#include "kernels/reduce/reduce.hpp"

#include <algorithm>
#include <array>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "kernels/elementwise/elementwise.hpp"

namespace scimix {

namespace {

// Returns the shape with length 1 along the reduced axes.
Shape kept_shape(const char* op, const Shape& shape, const ReduceOptions& options) {
  std::array<std::int64_t, Shape::kMaxRank> dims{};
  for (int axis = 0; axis < shape.rank(); ++axis) {
    dims[static_cast<std::size_t>(axis)] = options.axes.empty() ? 1 : shape[axis];
  }
  std::array<bool, Shape::kMaxRank> seen{};
  for (const int given : options.axes) {
    const int axis = given < 0 ? given + shape.rank() : given;
    SCIMIX_CHECK(axis >= 0 && axis < shape.rank(), op, ": axis ", given, " of ", shape);
    const auto at = static_cast<std::size_t>(axis);
    SCIMIX_CHECK(!seen[at], op, ": axis ", given, " of ", shape, " is named twice");
    seen[at] = true;
    dims[at] = 1;
  }
  return Shape(std::span(dims.data(), static_cast<std::size_t>(shape.rank())));
}

Shape reduced_shape(const Shape& shape, const ReduceOptions& options) {
  std::vector<std::int64_t> dims;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const auto named = [&](int a) { return a == axis || a + shape.rank() == axis; };
    if (!options.axes.empty() && std::ranges::none_of(options.axes, named)) {
      dims.push_back(shape[axis]);
    }
  }
  return Shape(dims);
}

// Neighbouring axes that are all summed, or all kept, merged into one.
struct Group {
  std::int64_t size;
  bool summed;
};
std::vector<Group> groups_of(const char* op, const Shape& from, const Shape& to) {
  const int missing = from.rank() - to.rank();
  SCIMIX_CHECK(missing >= 0, op, " of ", from, " to ", to);
  std::vector<Group> groups;
  for (int axis = 0; axis < from.rank(); ++axis) {
    const std::int64_t dim = axis < missing ? 1 : to[axis - missing];
    SCIMIX_CHECK(dim == from[axis] || dim == 1, op, " of ", from, " to ", to);
    if (from[axis] == 1) continue;
    const bool summed = dim != from[axis];
    if (!groups.empty() && groups.back().summed == summed) {
      groups.back().size *= from[axis];
    } else {
      groups.push_back({from[axis], summed});
    }
  }
  return groups;
}

Tensor sum_tensor(const char* op, const Tensor& x, const Shape& to, double factor) {
  SCIMIX_CHECK(is_floating(x.dtype()), op, " of ", name_of(x.dtype()));
  std::vector<Group> groups = groups_of(op, x.shape(), to);
  const auto size_of_run = [&](auto begin, auto end) {
    std::int64_t n = 1;
    for (auto it = begin; it != end; ++it) n *= it->size;
    return n;
  };
  const auto summed_before = [](const Group& a, const Group& b) {
    return (a.summed ? a.size : -1) < (b.summed ? b.size : -1);
  };
  // One pass per group, the largest group first, so that little is left for the other passes. Sums
  // between passes stay in f32.
  Tensor from = x;
  auto passes = std::ranges::count_if(groups, &Group::summed);
  if (passes == 0) {
    if (factor == 1.0) return x.reshape(to);
    Tensor y = Tensor::empty(to, x.dtype(), x.device());
    map_unary(Unary::scale, x.reshape(to), y, factor);
    return y;
  }
  for (; passes > 0; --passes) {
    const auto group = std::ranges::max_element(groups, summed_before);
    const std::int64_t outer = size_of_run(groups.begin(), group);
    const std::int64_t inner = size_of_run(group + 1, groups.end());
    const bool last = passes == 1;
    const DType wide = compute_type(x.dtype());
    Tensor y = last ? Tensor::empty(to, x.dtype(), x.device())
                    : Tensor::empty({outer, inner}, wide, x.device());
    sum_middle(from.reshape({outer, group->size, inner}), y, last ? factor : 1.0);
    from = y;
    groups.erase(group);
  }
  return from;
}

// Returns factor times the sum of x to `shape`, which must broadcast to the shape of x.
Variable scaled_sum_to(const char* op, const Variable& x, const Shape& shape, double factor) {
  return record(op, sum_tensor(op, x.value(), shape, factor), {x},
                [from = x.shape(), factor](const Cotangents& g) {
                  const Variable scaled = factor == 1.0 ? g[0] : scale(g[0], factor);
                  return std::vector{broadcast_to(scaled, from)};
                });
}

}  // namespace

Variable sum_to(const Variable& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  return scaled_sum_to("sum_to", x, shape, 1.0);
}

Variable broadcast_to(const Variable& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  SCIMIX_CHECK(is_floating(x.dtype()), "broadcast_to of ", name_of(x.dtype()));
  Tensor y = Tensor::empty(shape, x.dtype(), x.device());
  map_binary(Binary::first, x.value(), x.value(), y, 0);
  return record("broadcast_to", y, {x}, [from = x.shape()](const Cotangents& g) {
    return std::vector{sum_to(g[0], from)};
  });
}

Variable sum(const Variable& x, const ReduceOptions& options) {
  const Variable kept = scaled_sum_to("sum", x, kept_shape("sum", x.shape(), options), 1.0);
  return options.keep_dims ? kept : reshape(kept, reduced_shape(x.shape(), options));
}

Variable mean(const Variable& x, const ReduceOptions& options) {
  const Shape shape = kept_shape("mean", x.shape(), options);
  // The mean of no elements is NaN.
  const double share = static_cast<double>(shape.numel()) / static_cast<double>(x.value().numel());
  const Variable kept = scaled_sum_to("mean", x, shape, share);
  return options.keep_dims ? kept : reshape(kept, reduced_shape(x.shape(), options));
}

// In two passes, because the difference of two large sums would lose significant digits.
Variable variance(const Variable& x, const ReduceOptions& options) {
  const Variable centre = mean(x, {.axes = options.axes, .keep_dims = true});
  return mean(square(sub(x, centre)), options);
}

}  // namespace scimix

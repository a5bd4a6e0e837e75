// Reshapes, slices and copies of rows and channels. Slicing and embedding in zeros are each other's
// derivative, and so are gathering rows and adding them up where they came from.
#include <algorithm>
#include <numeric>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "kernels/rows/rows.hpp"

namespace scimix {

namespace {

// Returns x as a matrix [rows, channels]: all axes but the last one are merged.
Tensor as_rows(const Tensor& x) {
  return x.reshape({x.shape().with(-1, 1).numel(), x.dim(-1)});
}

void check_range(const char* op, const Shape& shape, int axis, std::int64_t begin,
                 std::int64_t end) {
  SCIMIX_CHECK(shape.rank() >= 1, op, " of a scalar");
  SCIMIX_CHECK(0 <= begin && begin <= end && end <= shape[axis], op, ": ", begin, " to ", end,
               " of ", shape);
}

// Returns the shape of the concatenation along `axis`. All other dimensions must agree.
Shape concat_shape(const char* op, std::span<const Variable> parts, int axis) {
  SCIMIX_CHECK(!parts.empty(), op, " of nothing");
  const Variable& first = parts.front();
  SCIMIX_CHECK(first.shape().rank() >= 1, op, " of scalars");
  std::int64_t total = 0;
  for (const Variable& part : parts) {
    SCIMIX_CHECK(part.shape().rank() == first.shape().rank() && part.dtype() == first.dtype() &&
                     part.shape().with(axis, 0) == first.shape().with(axis, 0),
                 op, ": ", part.shape(), " ", name_of(part.dtype()), " beside ", first.shape(), " ",
                 name_of(first.dtype()));
    total += part.dim(axis);
  }
  return first.shape().with(axis, total);
}

// Returns the offset of each operand along `axis`, followed by the total length.
std::vector<std::int64_t> offsets_of(std::span<const Variable> parts, int axis) {
  std::vector<std::int64_t> offsets = {0};
  for (const Variable& part : parts) offsets.push_back(offsets.back() + part.dim(axis));
  return offsets;
}

using Slice = Variable (*)(const Variable&, std::int64_t, std::int64_t);

// The gradient of each operand of a concatenation is its slice of the cotangent.
Vjp slices_of(Slice slice, std::vector<std::int64_t> offsets) {
  return [slice, offsets = std::move(offsets)](const Cotangents& g) {
    std::vector<Variable> gradients(offsets.size() - 1);
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
      if (g.wants(static_cast<int>(i))) gradients[i] = slice(g[0], offsets[i], offsets[i + 1]);
    }
    return gradients;
  };
}

void check_index(const char* op, const Tensor& index) {
  SCIMIX_CHECK(index.rank() == 1 && index.dtype() == DType::i32, op, ": an index of shape ",
               index.shape(), " ", name_of(index.dtype()), ", expected i32 [M]");
}

}  // namespace

Variable reshape(const Variable& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  SCIMIX_CHECK(x.value().numel() == shape.numel(), "reshape of ", x.shape(), " to ", shape);
  return record("reshape", x.value().reshape(shape), {x}, [from = x.shape()](const Cotangents& g) {
    return std::vector{reshape(g[0], from)};
  });
}

Variable slice_rows(const Variable& x, std::int64_t begin, std::int64_t end) {
  check_range("slice_rows", x.shape(), 0, begin, end);
  return record("slice_rows", x.value().rows(begin, end), {x},
                [begin, rows = x.dim(0)](const Cotangents& g) {
                  return std::vector{embed_rows(g[0], begin, rows)};
                });
}

Variable embed_rows(const Variable& x, std::int64_t begin, std::int64_t rows) {
  const std::int64_t end = begin + x.dim(0);
  Tensor y = Tensor::empty(x.shape().with(0, rows), x.dtype(), x.device());
  check_range("embed_rows", y.shape(), 0, begin, end);
  y.rows(0, begin).zero_();
  y.rows(begin, end).copy_(x.value());
  y.rows(end, rows).zero_();
  return record("embed_rows", y, {x}, [begin, end](const Cotangents& g) {
    return std::vector{slice_rows(g[0], begin, end)};
  });
}

Variable slice_channels(const Variable& x, std::int64_t begin, std::int64_t end) {
  check_range("slice_channels", x.shape(), -1, begin, end);
  Tensor y = Tensor::empty(x.shape().with(-1, end - begin), x.dtype(), x.device());
  paste_channels(as_rows(x.value()), begin, as_rows(y), std::int64_t{0}, end - begin);
  return record("slice_channels", y, {x}, [begin, channels = x.dim(-1)](const Cotangents& g) {
    return std::vector{embed_channels(g[0], begin, channels)};
  });
}

Variable embed_channels(const Variable& x, std::int64_t begin, std::int64_t channels) {
  const std::int64_t end = begin + x.dim(-1);
  Tensor y = Tensor::zeros(x.shape().with(-1, channels), x.dtype(), x.device());
  check_range("embed_channels", y.shape(), -1, begin, end);
  paste_channels(as_rows(x.value()), std::int64_t{0}, as_rows(y), begin, end - begin);
  return record("embed_channels", y, {x}, [begin, end](const Cotangents& g) {
    return std::vector{slice_channels(g[0], begin, end)};
  });
}

Variable concat_rows(std::span<const Variable> parts) {
  const Shape shape = concat_shape("concat_rows", parts, 0);
  if (std::ranges::none_of(parts, &Variable::requires_grad)) {
    std::vector<Tensor> values;
    for (const Variable& part : parts) values.push_back(part.value());
    if (const Tensor joined = Tensor::joined(values); joined.defined()) return Variable(joined);
  }
  const std::vector<std::int64_t> offsets = offsets_of(parts, 0);
  Tensor y = Tensor::empty(shape, parts.front().dtype(), parts.front().device());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    y.rows(offsets[i], offsets[i + 1]).copy_(parts[i].value());
  }
  return record("concat_rows", y, {parts.begin(), parts.end()}, slices_of(slice_rows, offsets));
}

Variable concat_channels(std::span<const Variable> parts) {
  const Shape shape = concat_shape("concat_channels", parts, -1);
  const std::vector<std::int64_t> offsets = offsets_of(parts, -1);
  Tensor y = Tensor::empty(shape, parts.front().dtype(), parts.front().device());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    paste_channels(as_rows(parts[i].value()), std::int64_t{0}, as_rows(y), offsets[i],
                   parts[i].dim(-1));
  }
  return record("concat_channels", y, {parts.begin(), parts.end()},
                slices_of(slice_channels, offsets));
}

Variable gather_rows(const Variable& x, const Tensor& index) {
  check_index("gather_rows", index);
  SCIMIX_CHECK(x.shape().rank() >= 1, "gather_rows of a scalar");
  Tensor y = Tensor::empty(x.shape().with(0, index.numel()), x.dtype(), x.device());
  gather(x.value(), index, y);
  return record("gather_rows", y, {x}, [index, rows = x.dim(0)](const Cotangents& g) {
    return std::vector{scatter_add_rows(g[0], index, rows)};
  });
}

Variable scatter_add_rows(const Variable& gy, const Tensor& index, std::int64_t rows) {
  check_index("scatter_add_rows", index);
  SCIMIX_CHECK(gy.shape().rank() >= 1 && gy.dim(0) == index.numel(),
               "scatter_add_rows: ", gy.shape(), " by ", index.numel(),
               " indices, expected one for each row");
  Tensor y = Tensor::empty(gy.shape().with(0, rows), gy.dtype(), gy.device());
  scatter_add(gy.value(), index, y);
  return record("scatter_add_rows", y, {gy},
                [index](const Cotangents& g) { return std::vector{gather_rows(g[0], index)}; });
}

}  // namespace scimix

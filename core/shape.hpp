// The shape of a tensor, with at most five dimensions. Images are [N,H,W,C], convolution kernels
// [K,R,S,C] (output channels, height, width, input channels).
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <span>
#include <string>

#include "core/error.hpp"

namespace scimix {

class Shape {
 public:
  static constexpr int kMaxRank = 5;

  Shape() = default;  // a scalar: rank 0, one element
  Shape(std::initializer_list<std::int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const std::int64_t> dims) : rank_(static_cast<int>(dims.size())) {
    SCIMIX_CHECK(rank_ <= kMaxRank, "a shape of rank ", rank_, ", at most ", kMaxRank);
    for (int i = 0; i < rank_; ++i) {
      const std::int64_t dim = dims[static_cast<std::size_t>(i)];
      SCIMIX_CHECK(dim >= 0, "dimension ", i, " is ", dim);
      dims_[static_cast<std::size_t>(i)] = dim;
    }
  }

  [[nodiscard]] int rank() const { return rank_; }
  // Negative axes count from the end: shape[-1] is the channel count of an image.
  [[nodiscard]] std::int64_t operator[](int axis) const {
    const int i = axis < 0 ? axis + rank_ : axis;
    SCIMIX_CHECK(i >= 0 && i < rank_, "axis ", axis, " of a shape of rank ", rank_);
    return dims_[static_cast<std::size_t>(i)];
  }
  [[nodiscard]] std::int64_t numel() const {
    std::int64_t n = 1;
    for (int i = 0; i < rank_; ++i) n *= dims_[static_cast<std::size_t>(i)];
    return n;
  }
  // Returns this shape with the size of one axis replaced.
  [[nodiscard]] Shape with(int axis, std::int64_t dim) const {
    Shape out = *this;
    out.dims_[static_cast<std::size_t>(axis < 0 ? axis + rank_ : axis)] = dim;
    return out;
  }
  [[nodiscard]] std::span<const std::int64_t> dims() const {
    return {dims_.data(), static_cast<std::size_t>(rank_)};
  }

  friend bool operator==(const Shape& a, const Shape& b) = default;
  friend std::ostream& operator<<(std::ostream& out, const Shape& shape) {
    out << '[';
    for (int i = 0; i < shape.rank(); ++i) out << (i == 0 ? "" : ",") << shape[i];
    return out << ']';
  }

 private:
  std::array<std::int64_t, kMaxRank> dims_{};  // unused dimensions stay 0, so that == is exact
  int rank_ = 0;
};

}  // namespace scimix

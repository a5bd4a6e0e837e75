// A tensor: contiguous row-major storage, a shape and an element type. No strides, no layout flags:
// a view of rows and a reshape share storage, everything else copies.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/allocator.hpp"
#include "core/device.hpp"
#include "core/dtype.hpp"
#include "core/shape.hpp"

namespace scimix {

// A handle: copying a Tensor shares its elements, as copying a shared_ptr does.
class Tensor {
 public:
  Tensor() = default;  // undefined: "no such argument"

  [[nodiscard]] static Tensor empty(const Shape& shape, DType dtype, Device device = kCpu);
  [[nodiscard]] static Tensor zeros(const Shape& shape, DType dtype, Device device = kCpu);
  // A copy of host values, converted to `dtype`.
  [[nodiscard]] static Tensor from(std::span<const double> values, const Shape& shape, DType dtype,
                                   Device device = kCpu);
  template <class T>
  [[nodiscard]] static Tensor from_host(std::span<const T> values, const Shape& shape,
                                        Device device = kCpu) {
    Tensor out = empty(shape, dtype_of<T>, device);
    SCIMIX_CHECK(std::ssize(values) == out.numel(), "a tensor ", shape, " from ", values.size(),
                 " values");
    out.copy_from_host(values.data());
    return out;
  }

  [[nodiscard]] bool defined() const { return memory_ != nullptr; }
  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] std::int64_t dim(int axis) const { return shape_[axis]; }
  [[nodiscard]] int rank() const { return shape_.rank(); }
  [[nodiscard]] std::int64_t numel() const { return shape_.numel(); }
  [[nodiscard]] std::size_t bytes() const {
    return static_cast<std::size_t>(numel()) * size_of(dtype_);
  }
  [[nodiscard]] DType dtype() const { return dtype_; }
  [[nodiscard]] Device device() const { return device_; }

  // The first element. A handle does not own constness: like a span, a const Tensor gives a
  // writable pointer. Kernels say which arguments they write.
  template <class T>
  [[nodiscard]] T* data() const {
    SCIMIX_CHECK(dtype_of<T> == dtype_, "asked for ", name_of(dtype_of<T>), " of a tensor of ",
                 name_of(dtype_));
    return reinterpret_cast<T*>(raw());
  }
  [[nodiscard]] std::byte* raw() const { return memory_.get() + offset_; }

  // Share storage.
  [[nodiscard]] Tensor reshape(const Shape& shape) const;
  [[nodiscard]] Tensor rows(std::int64_t begin, std::int64_t end) const;  // of dimension 0
  [[nodiscard]] Tensor as(DType dtype) const;  // the same bits; the types have one size

  // The same elements without a share in their memory, which somebody else has to keep: for graphs.
  [[nodiscard]] Tensor borrowed() const;

  // The rows of all parts as one tensor, where they already lie one behind another in one storage
  // and agree in type and in all other dimensions; undefined where not.
  [[nodiscard]] static Tensor joined(std::span<const Tensor> parts);

  // Copy.
  [[nodiscard]] Tensor clone() const;
  [[nodiscard]] Tensor to(Device device) const;  // itself when it is there already
  void copy_(const Tensor& source) const;        // same shape and dtype
  void zero_() const;

  // Host values, for tests, logs and files. They wait for the device.
  [[nodiscard]] std::vector<double> to_doubles() const;
  template <class T>
  [[nodiscard]] std::vector<T> to_host() const {
    SCIMIX_CHECK(dtype_of<T> == dtype_, "asked for ", name_of(dtype_of<T>), " of a tensor of ",
                 name_of(dtype_));
    std::vector<T> out(static_cast<std::size_t>(numel()));
    copy_to_host(out.data(), device_, raw(), bytes());
    return out;
  }
  void copy_from_host(const void* values) const {
    scimix::copy_from_host(device_, raw(), values, bytes());
  }

 private:
  Memory memory_;
  std::size_t offset_ = 0;  // in bytes
  Shape shape_;
  DType dtype_ = DType::f32;
  Device device_;
};

}  // namespace scimix

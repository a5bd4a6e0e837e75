// A tensor: contiguous row-major storage, a shape and an element type. There are no strides and no
// layout flags. Views of rows, reshaped and reinterpreted tensors share storage; all other
// functions copy.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/allocator.hpp"
#include "core/device.hpp"
#include "core/dtype.hpp"
#include "core/shape.hpp"

namespace scimix {

// A handle to elements: a copy of a Tensor shares the elements, as a copy of a shared_ptr does.
class Tensor {
 public:
  Tensor() = default;  // undefined: stands for an argument or result that does not exist

  // Allocates a tensor with undefined contents.
  [[nodiscard]] static Tensor empty(const Shape& shape, DType dtype, Device device = kCpu);
  [[nodiscard]] static Tensor zeros(const Shape& shape, DType dtype, Device device = kCpu);
  // Copies host values to the device, converted to `dtype`.
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

  // Returns a pointer to the first element. As for std::span, a const Tensor gives a writable
  // pointer. The documentation of a kernel says which arguments it writes. Throws Error{bug} if T
  // is not the element type.
  template <class T>
  [[nodiscard]] T* data() const {
    SCIMIX_CHECK(dtype_of<T> == dtype_, "asked for ", name_of(dtype_of<T>), " of a tensor of ",
                 name_of(dtype_));
    return reinterpret_cast<T*>(raw());
  }
  [[nodiscard]] std::byte* raw() const { return memory_.get() + offset_; }

  // These return views, which share this tensor's storage.
  // The same elements with another shape of equal size.
  [[nodiscard]] Tensor reshape(const Shape& shape) const;
  // Rows begin .. end-1 of dimension 0.
  [[nodiscard]] Tensor rows(std::int64_t begin, std::int64_t end) const;
  // The same bits as elements of another dtype of equal size.
  [[nodiscard]] Tensor as(DType dtype) const;

  // Returns a view that does not keep the memory alive, for recorded graphs. The caller must keep
  // it alive by other means.
  [[nodiscard]] Tensor borrowed() const;

  // Returns one view of the rows of all tensors, if they are adjacent in the same storage and agree
  // in dtype and in all other dimensions. Otherwise returns an undefined tensor.
  [[nodiscard]] static Tensor joined(std::span<const Tensor> parts);

  // These copy elements.
  [[nodiscard]] Tensor clone() const;
  // Returns this tensor itself if it is on `device` already.
  [[nodiscard]] Tensor to(Device device) const;
  // Copies the elements of `source`, of the same shape, dtype and device, into this tensor.
  void copy_(const Tensor& source) const;
  void zero_() const;

  // These copy elements between device and host, for tests, logs and files. They wait for the
  // device.
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

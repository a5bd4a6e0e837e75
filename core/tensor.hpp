// A tensor: contiguous row-major storage, a shape and an element type. There are no strides and no
// layout flags. Views of rows, reshaped and reinterpreted tensors share storage; all other
// functions copy.
//
// A Tensor is a handle: copying a Tensor copies the handle, not the elements. Nothing can be
// written through a const Tensor: its pointers are const, and a kernel does not take it as an
// output. A copy of the handle, and a view, is a Tensor of its own and can be written. So a
// function that writes into a tensor takes `Tensor&` or `const Output&`, and a function that only
// reads takes `const Tensor&` and makes no writable copy of it.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/allocator.hpp"
#include "core/device.hpp"
#include "core/dtype.hpp"
#include "core/shape.hpp"

namespace scimix {

class Tensor {
 public:
  Tensor() = default;  // undefined: stands for an argument or result that does not exist

  // Allocates a tensor with undefined contents.
  [[nodiscard]] static Tensor empty(const Shape& shape, DType dtype, Device device = kCpu);
  [[nodiscard]] static Tensor zeros(const Shape& shape, DType dtype, Device device = kCpu);
  // Returns a CPU tensor whose elements lie in `memory`, such as a mapped file, which must have at
  // least the bytes of the shape (not checked). The tensor and its views own the memory together
  // with the caller's handle. memory_stats does not count it.
  [[nodiscard]] static Tensor of_memory(Memory memory, const Shape& shape, DType dtype);
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

  // Returns a pointer to the first element. Throws Error{bug} if T is not the element type.
  template <class T>
  [[nodiscard]] const T* data() const {
    return elements<T>();
  }
  template <class T>
  [[nodiscard]] T* data() {
    return elements<T>();
  }
  [[nodiscard]] const std::byte* raw() const { return address(); }
  [[nodiscard]] std::byte* raw() { return address(); }

  // These return views, which share this tensor's storage and can be written.
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
  void copy_(const Tensor& source);
  void zero_();

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
  void copy_from_host(const void* values) {
    scimix::copy_from_host(device_, raw(), values, bytes());
  }

 private:
  friend class Output;
  [[nodiscard]] std::byte* address() const { return memory_.get() + offset_; }
  template <class T>
  [[nodiscard]] T* elements() const {
    SCIMIX_CHECK(dtype_of<T> == dtype_, "asked for ", name_of(dtype_of<T>), " of a tensor of ",
                 name_of(dtype_));
    return reinterpret_cast<T*>(address());
  }

  Memory memory_;
  std::size_t offset_ = 0;  // in bytes
  Shape shape_;
  DType dtype_ = DType::f32;
  Device device_;
};

// A tensor that a function writes: the type of a kernel's outputs. A call converts a Tensor that
// may be written, or a view such as `y.rows(0, 4)`, to an Output; a const Tensor does not compile.
// An Output is writable although it is const, as a std::span is, so functions take it as
// `const Output&`. An undefined Output stands for a result that nobody wants.
class Output : public Tensor {
 public:
  Output() = default;
  Output(Tensor& tensor) : Tensor(tensor) {}              // NOLINT: meant to be implicit
  Output(Tensor&& tensor) : Tensor(std::move(tensor)) {}  // NOLINT: meant to be implicit
  Output(const Tensor& tensor) = delete;                  // a const Tensor is not written
  Output(const Tensor&& tensor) = delete;

  template <class T>
  [[nodiscard]] T* data() const {
    return elements<T>();
  }
  [[nodiscard]] std::byte* raw() const { return address(); }
  void copy_(const Tensor& source) const { Tensor(*this).copy_(source); }
  void zero_() const { Tensor(*this).zero_(); }
  [[nodiscard]] Output borrowed() const { return Tensor::borrowed(); }
};

}  // namespace scimix

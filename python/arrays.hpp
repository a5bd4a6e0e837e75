// Converts images between Python and the networks. Python has NumPy arrays, or other objects with
// DLPack, such as PyTorch's tensors on the CPU.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.hpp"

namespace scimix::python {

namespace nb = nanobind;

using Array = nb::ndarray<nb::ro, nb::device::cpu>;

enum class Pixels {
  u8,   // 0..255
  f32,  // 0..1
  f64,  // 0..1
};

// Images [N,H,W,3], which are read without a copy.
struct ImageArray {
  std::string name;  // of the argument, for messages
  Array array;
  Pixels pixels = Pixels::u8;

  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(array.shape(0)); }
  [[nodiscard]] std::int64_t side() const { return static_cast<std::int64_t>(array.shape(1)); }
};

// Returns the array of a Python object. `name` is the name of the argument. Errors (user, which
// Python sees as ValueError): no array, another shape than [N,side,side,3], another type than
// uint8, float32 or float64, another device than the CPU.
[[nodiscard]] ImageArray read_images(const char* name, nb::handle object, std::int64_t side);

// Returns images first .. first+count-1 in [-1,1] as the input of a network, f32 [count,H,W,3]. The
// caller need not hold the interpreter's lock. Errors (user): a float that is not in [0,1].
[[nodiscard]] Tensor network_input(const ImageArray& images, std::int64_t first, std::int64_t count,
                                   Device device);

// Writes f32 images in [-1,1] to `target` as pixels of this type, clamped.
void write_pixels(const Tensor& images, Pixels type, void* target);

// Returns a new NumPy array of these elements, which it owns. `Vector` is a std::vector with any
// allocator.
template <class Vector>
[[nodiscard]] nb::object numpy_array(Vector values, std::vector<std::size_t> shape) {
  values.reserve(1);  // NumPy wants an address, even for no elements
  auto* const owned = new Vector(std::move(values));
  const nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<Vector*>(p); });
  return nb::cast(nb::ndarray<nb::numpy, typename Vector::value_type>(owned->data(), shape.size(),
                                                                      shape.data(), owner));
}

}  // namespace scimix::python

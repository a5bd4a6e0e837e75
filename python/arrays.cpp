#include "python/arrays.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "core/error.hpp"
#include "trainers/pixels.hpp"

namespace scimix::python {

namespace {

// Describes an object for a message: "float16 [2,32,32,3]", or the type of what is no array.
std::string found(nb::handle object) {
  std::string type = nb::type_name(object.type()).c_str();
  if (!nb::hasattr(object, "shape") || !nb::hasattr(object, "dtype")) return type;
  std::string shape;
  for (const nb::handle size : nb::object(object.attr("shape"))) {
    shape += (shape.empty() ? "" : ",") + std::string(nb::str(size).c_str());
  }
  return std::string(nb::str(nb::object(object.attr("dtype"))).c_str()) + " [" + shape + "]";
}

template <class T>
float normalised(T value) {
  if constexpr (std::is_same_v<T, std::uint8_t>) {
    return static_cast<float>(value) / 127.5F - 1.0F;
  } else {
    return static_cast<float>(2 * value - 1);
  }
}

// Reads an image of any strides, and returns whether all its values are in range.
template <class T>
bool read_image(const ImageArray& images, std::int64_t index, float* out) {
  const Array& a = images.array;
  const T* const base = static_cast<const T*>(a.data()) + index * a.stride(0);
  bool good = true;
  for (std::size_t y = 0; y < a.shape(1); ++y) {
    const T* const row = base + static_cast<std::int64_t>(y) * a.stride(1);
    for (std::size_t x = 0; x < a.shape(2); ++x) {
      const T* const pixel = row + static_cast<std::int64_t>(x) * a.stride(2);
      for (std::int64_t c = 0; c < 3; ++c) {
        const T value = pixel[c * a.stride(3)];
        if constexpr (!std::is_same_v<T, std::uint8_t>) good &= value >= 0 && value <= 1;
        *out++ = normalised(value);
      }
    }
  }
  return good;
}

bool read_image(const ImageArray& images, std::int64_t index, float* out) {
  switch (images.pixels) {
    case Pixels::u8:
      return read_image<std::uint8_t>(images, index, out);
    case Pixels::f32:
      return read_image<float>(images, index, out);
    case Pixels::f64:
      return read_image<double>(images, index, out);
  }
  return false;
}

// Writes values in [-1,1] as values in [0,1]. NaN becomes 0, as in to_pixels.
template <class T>
void write(std::span<const float> values, T* target) {
  for (const float value : values) {
    *target++ = std::isnan(value) ? T{0} : std::clamp((value + T{1}) / 2, T{0}, T{1});
  }
}

}  // namespace

ImageArray read_images(const char* name, nb::handle object, std::int64_t side) {
  const std::string expected =
      text("expected uint8 (0 to 255) or float (0 to 1) images [N,", side, ",", side, ",3]");
  ImageArray out{.name = name, .array = {}};
  if (nb::isinstance<nb::list>(object) || nb::isinstance<nb::str>(object) ||
      !nb::try_cast(object, out.array, /*convert=*/false)) {
    user_error(name, ": found ", found(object), ", ", expected, " in the memory of the CPU");
  }
  const Array& a = out.array;
  const auto wanted = static_cast<std::size_t>(side);
  const bool fits =
      a.ndim() == 4 && a.shape(1) == wanted && a.shape(2) == wanted && a.shape(3) == 3;
  if (a.dtype() == nb::dtype<std::uint8_t>()) {
    out.pixels = Pixels::u8;
  } else if (a.dtype() == nb::dtype<float>()) {
    out.pixels = Pixels::f32;
  } else if (a.dtype() == nb::dtype<double>()) {
    out.pixels = Pixels::f64;
  } else {
    user_error(name, ": found ", found(object), ", ", expected);
  }
  if (!fits) user_error(name, ": found ", found(object), ", ", expected);
  return out;
}

Tensor network_input(const ImageArray& images, std::int64_t first, std::int64_t count,
                     Device device) {
  const std::int64_t side = images.side();
  const std::int64_t size = side * side * 3;
  Tensor host = Tensor::empty({count, side, side, 3}, DType::f32, kCpu);
  bool good = true;
  for (std::int64_t i = 0; i < count; ++i) {
    good &= read_image(images, first + i, host.data<float>() + i * size);
  }
  if (!good) {
    user_error(images.name,
               ": found values outside 0 to 1, expected floats from 0 to 1 (divide by "
               "255, or use uint8)");
  }
  return host.to(device);
}

void write_pixels(const Tensor& images, Pixels type, void* target) {
  if (type == Pixels::u8) {
    const std::vector<std::uint8_t> pixels = to_pixels(images);
    std::copy(pixels.begin(), pixels.end(), static_cast<std::uint8_t*>(target));
    return;
  }
  const std::vector<float> values = images.to_host<float>();
  if (type == Pixels::f32) {
    write<float>(values, static_cast<float*>(target));
  } else {
    write<double>(values, static_cast<double*>(target));
  }
}

}  // namespace scimix::python

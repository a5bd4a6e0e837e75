#include "core/tensor.hpp"

#include "core/work.hpp"

namespace scimix {

namespace {

// Calls f(TypeTag<T>{}) for any dtype, on the host.
template <class F>
void dispatch_any(DType dtype, F&& f) {
  if (dtype == DType::i32) return f(TypeTag<std::int32_t>{});
  if (dtype == DType::u8) return f(TypeTag<std::uint8_t>{});
  dispatch_floating(dtype, f);
}

// Converts double to T. bf16 is rounded from f32, as in the kernels.
template <class T>
T narrow(double value) {
  return static_cast<T>(static_cast<compute_t<T>>(value));
}

}  // namespace

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  Tensor out;
  out.shape_ = shape;
  out.dtype_ = dtype;
  out.device_ = device;
  out.memory_ = allocate(device, out.bytes());
  return out;
}

Tensor Tensor::of_memory(Memory memory, const Shape& shape, DType dtype) {
  SCIMIX_CHECK(memory != nullptr, "a tensor ", shape, " of no memory");
  Tensor out;
  out.memory_ = std::move(memory);
  out.shape_ = shape;
  out.dtype_ = dtype;
  return out;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, Device device) {
  Tensor out = empty(shape, dtype, device);
  out.zero_();
  return out;
}

Tensor Tensor::from(std::span<const double> values, const Shape& shape, DType dtype,
                    Device device) {
  Tensor out = empty(shape, dtype, device);
  SCIMIX_CHECK(std::ssize(values) == out.numel(), "a tensor ", shape, " from ", values.size(),
               " values");
  dispatch_any(dtype, [&]<class T>(TypeTag<T>) {
    std::vector<T> host;
    host.reserve(values.size());
    for (const double value : values) host.push_back(narrow<T>(value));
    out.copy_from_host(host.data());
  });
  return out;
}

Tensor Tensor::reshape(const Shape& shape) const {
  SCIMIX_CHECK(shape.numel() == numel(), "reshape of ", shape_, " to ", shape);
  Tensor out = *this;
  out.shape_ = shape;
  return out;
}

Tensor Tensor::rows(std::int64_t begin, std::int64_t end) const {
  SCIMIX_CHECK(rank() >= 1 && 0 <= begin && begin <= end && end <= dim(0), "rows ", begin, " to ",
               end, " of ", shape_);
  Tensor out = *this;
  out.shape_ = shape_.with(0, end - begin);
  const std::int64_t row = shape_.with(0, 1).numel();
  out.offset_ += static_cast<std::size_t>(begin * row) * size_of(dtype_);
  return out;
}

Tensor Tensor::as(DType dtype) const {
  SCIMIX_CHECK(size_of(dtype) == size_of(dtype_), name_of(dtype_), " seen as ", name_of(dtype));
  Tensor out = *this;
  out.dtype_ = dtype;
  return out;
}

Tensor Tensor::borrowed() const {
  Tensor out = *this;
  out.memory_ = Memory(std::shared_ptr<void>(), memory_.get());  // an address, and no owner
  const bool stored_images = dtype_ == DType::u8 && rank() == 4;
  if (CountOperands::is_active() && defined() && !stored_images) count_bytes(bytes());
  return out;
}

Tensor Tensor::joined(std::span<const Tensor> parts) {
  if (parts.empty() || parts.front().rank() == 0) return {};
  Tensor out = parts.front();
  for (const Tensor& part : parts.subspan(1)) {
    const bool follows = part.memory_ == out.memory_ && part.offset_ == out.offset_ + out.bytes();
    if (!follows || part.dtype_ != out.dtype_ || part.rank() != out.rank() ||
        part.shape_.with(0, 0) != out.shape_.with(0, 0)) {
      return {};
    }
    out.shape_ = out.shape_.with(0, out.dim(0) + part.dim(0));
  }
  return out;
}

Tensor Tensor::clone() const {
  Tensor out = empty(shape_, dtype_, device_);
  out.copy_(*this);
  return out;
}

Tensor Tensor::to(Device device) const {
  if (device == device_) return *this;
  Tensor out = empty(shape_, dtype_, device);
  if (device_.is_cpu()) {
    scimix::copy_from_host(device, out.raw(), raw(), bytes());
  } else {
    SCIMIX_CHECK(device.is_cpu(), "a copy from ", device_, " to ", device);
    copy_to_host(out.raw(), device_, raw(), bytes());
  }
  return out;
}

void Tensor::copy_(const Tensor& source) {
  SCIMIX_CHECK(source.shape() == shape_ && source.dtype() == dtype_, "copy of ", source.shape(),
               " ", name_of(source.dtype()), " into ", shape_, " ", name_of(dtype_));
  SCIMIX_CHECK(source.device() == device_, "copy from ", source.device(), " into ", device_);
  copy_bytes(device_, raw(), source.raw(), bytes());
}

void Tensor::zero_() {
  fill_bytes(device_, raw(), 0, bytes());
}

std::vector<double> Tensor::to_doubles() const {
  std::vector<double> out;
  dispatch_any(dtype_, [&]<class T>(TypeTag<T>) {
    const auto host = to_host<T>();
    out.assign(host.begin(), host.end());
  });
  return out;
}

}  // namespace scimix

#include "core/slab.hpp"

#include <utility>

namespace scimix {

void SlabLayout::append(std::string name, const Shape& shape) {
  entries_.push_back({std::move(name), shape, numel_});
  numel_ += (shape.numel() + kAlignment - 1) / kAlignment * kAlignment;
}

Slab::Slab(const SlabLayout& layout, DType dtype, Device device)
    : flat_(Tensor::zeros({layout.numel()}, dtype, device)) {}

Tensor Slab::view(const SlabLayout::Entry& entry) const {
  return flat_.rows(entry.offset, entry.offset + entry.shape.numel()).reshape(entry.shape);
}

}  // namespace scimix

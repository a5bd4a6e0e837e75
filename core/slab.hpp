// A slab: one flat buffer that holds many tensors, such as all parameters of a network, their
// gradients, an optimiser's moments or an EMA. One kernel updates a whole slab, and one all-reduce
// can sum many gradients.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.hpp"

namespace scimix {

// The position of each tensor in a slab. Entries start at multiples of 16 elements, so that views
// are aligned for vector loads in any dtype. The gaps between entries contain zeros, which
// elementwise updates leave zero.
class SlabLayout {
 public:
  static constexpr std::int64_t kAlignment = 16;

  struct Entry {
    std::string name;
    Shape shape;
    std::int64_t offset = 0;  // in elements
  };

  // Adds an entry after the last one.
  void append(std::string name, const Shape& shape);
  [[nodiscard]] std::span<const Entry> entries() const { return entries_; }
  // Elements of the whole slab, gaps included.
  [[nodiscard]] std::int64_t numel() const { return numel_; }

 private:
  std::vector<Entry> entries_;
  std::int64_t numel_ = 0;
};

class Slab {
 public:
  Slab() = default;
  // Allocates a slab filled with zeros.
  Slab(const SlabLayout& layout, DType dtype, Device device);

  [[nodiscard]] const Tensor& flat() const { return flat_; }  // [numel]
  [[nodiscard]] Tensor& flat() { return flat_; }
  // Returns the tensor of one entry. It shares the slab's memory.
  [[nodiscard]] Tensor view(const SlabLayout::Entry& entry) const;

 private:
  Tensor flat_;
};

}  // namespace scimix

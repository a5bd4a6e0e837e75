// One flat buffer for many tensors: the parameters of a network, their gradients, the optimiser's
// moments, the EMA. What is flat is updated by one kernel and sent by one all-reduce.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.hpp"

namespace scimix {

// Where each tensor lies. Entries start on multiples of 16 elements: views stay aligned for vector
// loads in any dtype, and the gaps (zeros) do no harm to elementwise updates.
class SlabLayout {
 public:
  static constexpr std::int64_t kAlignment = 16;

  struct Entry {
    std::string name;
    Shape shape;
    std::int64_t offset = 0;  // in elements
  };

  void append(std::string name, const Shape& shape);
  [[nodiscard]] std::span<const Entry> entries() const { return entries_; }
  [[nodiscard]] std::int64_t numel() const { return numel_; }  // gaps included

 private:
  std::vector<Entry> entries_;
  std::int64_t numel_ = 0;
};

class Slab {
 public:
  Slab() = default;
  // Zeros.
  Slab(const SlabLayout& layout, DType dtype, Device device);

  [[nodiscard]] const Tensor& flat() const { return flat_; }  // [numel]
  [[nodiscard]] Tensor view(const SlabLayout::Entry& entry) const;

 private:
  Tensor flat_;
};

}  // namespace scimix

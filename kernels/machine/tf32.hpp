// Whether f32 products on a GPU may round their inputs to TF32 (10 bits of mantissa), which the
// matrix units of a GPU multiply about eight times as fast. By default they may not. It has no
// effect on CPUs and on bf16.
#pragma once

namespace scimix {

// While an object exists, convolutions and matrix products that this thread starts may use TF32.
class AllowTf32 {
 public:
  AllowTf32();
  ~AllowTf32();
  AllowTf32(const AllowTf32&) = delete;
  AllowTf32& operator=(const AllowTf32&) = delete;

 private:
  bool outer_;
};

[[nodiscard]] bool tf32_allowed();

}  // namespace scimix

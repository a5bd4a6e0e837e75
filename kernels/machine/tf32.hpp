// Whether f32 products on a GPU may round their inputs to TF32 (10 bits of mantissa), which its
// matrix units multiply about eight times as fast. Strict f32 unless somebody allows it. No other
// device has such units, and bf16 is not concerned.
#pragma once

namespace scimix {

// While one lives, convolutions and matrix products that this thread starts may use TF32.
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

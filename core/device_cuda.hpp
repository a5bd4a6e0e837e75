// What core needs from the CUDA runtime, without a CUDA header. Defined in device_cuda.cpp, which a
// build without CUDA leaves out.
#pragma once

#include <cstddef>
#include <string>

namespace scimix::cuda {

[[nodiscard]] int device_count();
void select_device(int index);
void synchronize();
[[nodiscard]] std::string describe(int index);
[[nodiscard]] void* allocate(std::size_t bytes);
void free(void* memory) noexcept;
void copy(void* target, const void* source, std::size_t bytes, bool wait);
void fill(void* target, unsigned char value, std::size_t bytes);

}  // namespace scimix::cuda

// Where a tensor lives. A CUDA build carries both backends and picks one at run time.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>

#ifndef SCIMIX_WITH_CUDA
#define SCIMIX_WITH_CUDA 0
#endif

namespace scimix {

inline constexpr bool kWithCuda = SCIMIX_WITH_CUDA != 0;

struct Device {
  enum class Kind { cpu, cuda };
  Kind kind = Kind::cpu;
  int index = 0;

  [[nodiscard]] bool is_cpu() const { return kind == Kind::cpu; }
  [[nodiscard]] bool is_cuda() const { return kind == Kind::cuda; }
  friend bool operator==(const Device&, const Device&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Device& device);
};

inline constexpr Device kCpu{};

// Number of usable CUDA devices; 0 in a build without CUDA or on a machine without a GPU.
[[nodiscard]] int cuda_device_count();

// "auto" (cuda:0 if there is one), "cpu", "cuda" or "cuda:N". Anything else, and a CUDA device that
// is not there, is a user error.
[[nodiscard]] Device parse_device(std::string_view text);

// Makes `device` the calling thread's device. CUDA kernels and libraries run on its stream.
void select_device(Device device);

// Waits for all work queued on the device.
void synchronize(Device device);

// "2 threads of <model name>" or "NVIDIA H100 (cuda:0)": for logs and benchmark tables.
[[nodiscard]] std::string describe(Device device);

// Raw memory. The allocator in front of these is what tensors use.
[[nodiscard]] void* system_allocate(Device device,
                                    std::size_t bytes);  // nullptr when out of memory
void system_free(Device device, void* memory, std::size_t bytes) noexcept;

// Inside a device, ordered on its stream.
void copy_bytes(Device device, void* target, const void* source, std::size_t bytes);
void fill_bytes(Device device, void* target, unsigned char value, std::size_t bytes);
// Ordered on the device's stream; they wait for completion, and are a bug inside a captured step.
void copy_to_host(void* target, Device from, const void* source, std::size_t bytes);
void copy_from_host(Device to, void* target, const void* source, std::size_t bytes);

}  // namespace scimix

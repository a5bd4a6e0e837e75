// Devices, and raw memory on them. A CUDA build contains the CPU and the CUDA backend and selects
// one at run time.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>

namespace scimix {

struct Device {
  enum class Kind { cpu, cuda };
  Kind kind = Kind::cpu;
  int index = 0;  // of the GPU, from 0; 0 for the CPU

  [[nodiscard]] bool is_cpu() const { return kind == Kind::cpu; }
  [[nodiscard]] bool is_cuda() const { return kind == Kind::cuda; }
  friend bool operator==(const Device&, const Device&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Device& device);
};

inline constexpr Device kCpu{};

// Returns the number of usable CUDA devices: 0 in a build without CUDA or on a machine without a
// GPU.
[[nodiscard]] int cuda_device_count();

// Converts a name to a device: "auto" (a GPU if there is one, otherwise cpu), "cpu", "cuda" (a GPU)
// or "cuda:N". A GPU without a number is the one that this process has selected before, or cuda:0.
// Errors (user): any other name, a CUDA device that does not exist.
[[nodiscard]] Device parse_device(std::string_view text);

// Makes `device` the calling thread's current device. CUDA kernels and libraries run on its stream.
// Errors (user): a GPU that this program was not compiled for, another GPU than before, since one
// process uses one GPU.
void select_device(Device device);

// Waits for all work queued on the device.
void synchronize(Device device);

// Returns a description for logs and benchmark tables, for example "2 threads of <model name>" or
// "NVIDIA H100 (cuda:0)".
[[nodiscard]] std::string describe(Device device);

// Allocate and free raw memory. Tensors use the caching allocator (core/allocator.hpp), which calls
// these. system_allocate returns nullptr when the system is out of memory.
[[nodiscard]] void* system_allocate(Device device, std::size_t bytes);
void system_free(Device device, void* memory, std::size_t bytes) noexcept;

// Copy and fill memory of one device. The work is queued on the device's stream.
void copy_bytes(Device device, void* target, const void* source, std::size_t bytes);
void fill_bytes(Device device, void* target, unsigned char value, std::size_t bytes);
// Copy between host and device, after all work queued on the device's stream, and wait until the
// copy is complete. Throws Error{bug} while a graph is recorded (core/graph.hpp).
void copy_to_host(void* target, Device from, const void* source, std::size_t bytes);
void copy_from_host(Device to, void* target, const void* source, std::size_t bytes);

}  // namespace scimix

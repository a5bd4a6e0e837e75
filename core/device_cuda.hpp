// Functions of the CUDA runtime that core/ uses. This header includes no CUDA header. The files
// *_cuda.cpp, which define the functions, are not compiled in a build without CUDA.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/graph.hpp"

namespace scimix::cuda {

// Returns the number of usable GPUs. Errors (user): there is a GPU that cannot be used, for example
// because its driver is too old. (Without the error, training would silently use the CPU.)
[[nodiscard]] int device_count();
// Returns whether a program compiled for `architectures`, which CMake lists as in "80-real;90", has
// code for a GPU of a compute capability such as 86 (8.6). Machine code ("80-real") runs on GPUs of
// the same major version that are not older, PTX ("80-virtual") on all that are not older, and "80"
// stands for both. The answer is true for words such as "native", which name no architecture.
[[nodiscard]] bool has_code_for(std::string_view architectures, int capability);
// Makes a GPU current. Errors (user): a GPU that this program was not compiled for, another GPU
// than the one that this process has selected before.
void select_device(int index);
// Returns the GPU that this process has selected, or 0.
[[nodiscard]] int selected_device();
void synchronize();
[[nodiscard]] std::string describe(int index);
[[nodiscard]] void* allocate(std::size_t bytes);
void free(void* memory) noexcept;
// The direction of a copy, which is passed to the CUDA runtime.
enum class Direction { inside, to_host, from_host };
void copy(void* target, const void* source, std::size_t bytes, Direction direction, bool wait);
void fill(void* target, unsigned char value, std::size_t bytes);
// Captures the work that `body` submits to the stream into a CUDA graph (graph_cuda.cpp).
[[nodiscard]] std::unique_ptr<Graph::Recording> record_graph(const std::function<void()>& body);

}  // namespace scimix::cuda

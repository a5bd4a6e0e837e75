// Functions of the CUDA runtime that core/ uses. This header includes no CUDA header. The files
// *_cuda.cpp, which define the functions, are not compiled in a build without CUDA.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "core/graph.hpp"

namespace scimix::cuda {

// Returns the number of usable GPUs. Errors (user): there is a GPU that cannot be used, for example
// because its driver is too old. (Without the error, training would silently use the CPU.)
[[nodiscard]] int device_count();
// Makes a GPU current. Errors (user): a GPU that this program was not compiled for.
void select_device(int index);
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

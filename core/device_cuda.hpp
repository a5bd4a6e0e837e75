// What core needs from the CUDA runtime, without a CUDA header. Defined in *_cuda.cpp, which a
// build without CUDA leaves out.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "core/graph.hpp"

namespace scimix::cuda {

// Returns the number of usable GPUs. Throws a user error where there is a GPU that cannot be used,
// such as one whose driver is too old: training must not go to the CPU unnoticed.
[[nodiscard]] int device_count();
// Throws a user error for a GPU that this program was not compiled for.
void select_device(int index);
void synchronize();
[[nodiscard]] std::string describe(int index);
[[nodiscard]] void* allocate(std::size_t bytes);
void free(void* memory) noexcept;
// Copies are named by their direction, since the driver counts and checks them by it.
enum class Direction { inside, to_host, from_host };
void copy(void* target, const void* source, std::size_t bytes, Direction direction, bool wait);
void fill(void* target, unsigned char value, std::size_t bytes);
// graph_cuda.cpp: `body` captured from the stream into a CUDA graph.
[[nodiscard]] std::unique_ptr<Graph::Recording> record_graph(const std::function<void()>& body);

}  // namespace scimix::cuda

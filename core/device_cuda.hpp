// What core needs from the CUDA runtime, without a CUDA header. Defined in *_cuda.cpp, which a
// build without CUDA leaves out.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "core/graph.hpp"

namespace scimix::cuda {

[[nodiscard]] int device_count();
void select_device(int index);
void synchronize();
[[nodiscard]] std::string describe(int index);
[[nodiscard]] void* allocate(std::size_t bytes);
void free(void* memory) noexcept;
void copy(void* target, const void* source, std::size_t bytes, bool wait);
void fill(void* target, unsigned char value, std::size_t bytes);
// graph_cuda.cpp: `body` captured from the stream into a CUDA graph.
[[nodiscard]] std::unique_ptr<Graph::Recording> record_graph(const std::function<void()>& body);

}  // namespace scimix::cuda

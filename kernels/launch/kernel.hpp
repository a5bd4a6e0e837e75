// A kernel is declared once, in a header, as a function over tensors:
//
//   // y[n,c] = softmax over c of x[n,c].
//   SCIMIX_KERNEL(softmax, (const Tensor& x, const Output& y))
//
// This declares cpu::softmax and cuda::softmax with the given signature, and a softmax that calls
// the one for the device of its first tensor. A kernel of ours is a .cu file that defines
// SCIMIX_BACKEND::softmax and is compiled twice: as plain C++ with SCIMIX_BACKEND=cpu, and by nvcc
// with SCIMIX_BACKEND=cuda. A vendor binding defines cpu:: and cuda:: in two files.
//
// Conventions: inputs first, outputs last. An input is a `const Tensor&`, whose pointers are const.
// What a kernel writes, and what it both reads and writes, is a `const Output&` (core/tensor.hpp).
// The caller allocates outputs. An undefined Tensor or Output means "none". Images are [N,H,W,C].
#pragma once

#include <tuple>
#include <type_traits>

#include "core/error.hpp"
#include "core/graph.hpp"
#include "core/tensor.hpp"
#include "core/work.hpp"

namespace scimix {

// Returns the data of a tensor, null for an undefined tensor.
template <class T>
[[nodiscard]] const T* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.data<T>() : nullptr;
}
template <class T>
[[nodiscard]] T* data_or_null(const Output& output) {
  return output.defined() ? output.data<T>() : nullptr;
}

namespace detail {

inline Device device_of() {
  return kCpu;
}

template <class First, class... Rest>
Device device_of(const First& first, const Rest&... rest) {
  if constexpr (std::is_base_of_v<Tensor, First>) {
    if (first.defined()) return first.device();
  }
  return device_of(rest...);
}

// Returns what a recorded call keeps of an argument. It keeps addresses and does not own memory, so
// that later work of the same graph can use the blocks again. A struct that holds tensors needs a
// member `borrowed`.
template <class T>
T borrowed(const T& argument) {
  if constexpr (requires { argument.borrowed(); }) {
    return argument.borrowed();
  } else {
    static_assert(std::is_trivially_copyable_v<T>, "a kernel's argument that owns something");
    return argument;
  }
}

// Adds the sizes of all tensors among the arguments of a kernel function to the WorkPlan.
template <class... Args>
void count_operands(const Args&... args) {
  const CountOperands counting;
  static_cast<void>(std::tuple(borrowed(args)...));
}

// A kernel as a function object. It calls the implementation for the device of its first tensor.
template <auto Cpu, auto Cuda>
struct Kernel;
template <class... Args, void (*Cpu)(Args...), void (*Cuda)(Args...)>
struct Kernel<Cpu, Cuda> {
  const char* name;

  void operator()(Args... args) const {
    if (device_of(args...).is_cuda()) {
      SCIMIX_CHECK(Cuda != nullptr, name, " has no CUDA function");
      const WorkName who(name);
      if (who.is_listed()) count_operands(args...);
      return Cuda(args...);
    }
    if (is_recording_work()) return record(args...);
    const WorkName who(name);
    if (who.is_listed()) count_operands(args...);
    Cpu(args...);
  }

 private:
  void record(const std::decay_t<Args>&... args) const {
    record_work([name = name, kept = std::tuple(borrowed(args)...)] {
      const WorkName who(name);
      std::apply(Cpu, kept);
    });
  }
};

}  // namespace detail

// The CUDA function is weak, because a build for the CPU alone has none: no tensor of such a build
// lives on a GPU, so nobody calls it.
#define SCIMIX_KERNEL(name, signature)       \
  namespace cpu {                            \
  void name signature;                       \
  }                                          \
  namespace cuda {                           \
  __attribute__((weak)) void name signature; \
  }                                          \
  inline constexpr detail::Kernel<&cpu::name, &cuda::name> name{#name};

}  // namespace scimix

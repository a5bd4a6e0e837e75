// How a kernel is declared: once, in a header, as a function over tensors.
//
//   // y[n,c] = softmax over c of x[n,c].
//   SCIMIX_KERNEL(softmax, (const Tensor& x, const Tensor& y))
//
// declares cpu::softmax and cuda::softmax with that signature, and a softmax that calls the one
// of the device on which its first tensor lives. A kernel of ours is a .cu file that defines
// SCIMIX_BACKEND::softmax and is compiled twice: as plain C++ with SCIMIX_BACKEND=cpu, and by nvcc
// with SCIMIX_BACKEND=cuda. A vendor binding defines cpu:: and cuda:: in two files.
//
// Conventions: inputs first, outputs last; a Tensor is a handle, so outputs are const Tensor& too;
// the caller allocates outputs; an undefined Tensor means "none"; images are [N,H,W,C].
#pragma once

#include <tuple>
#include <type_traits>

#include "core/graph.hpp"
#include "core/tensor.hpp"
#include "core/work.hpp"

namespace scimix {

// The data of a tensor, null for none.
template <class T>
[[nodiscard]] T* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.data<T>() : nullptr;
}

namespace detail {

inline Device device_of() {
  return kCpu;
}

template <class First, class... Rest>
Device device_of(const First& first, const Rest&... rest) {
  if constexpr (std::is_same_v<First, Tensor>) {
    if (first.defined()) return first.device();
  }
  return device_of(rest...);
}

// What a recorded call keeps of an argument: addresses, no share in memory, so that blocks are used
// again within a graph. A struct that holds tensors has a member `borrowed` of its own.
template <class T>
T borrowed(const T& argument) {
  if constexpr (requires { argument.borrowed(); }) {
    return argument.borrowed();
  } else {
    static_assert(std::is_trivially_copyable_v<T>, "a kernel's argument that owns something");
    return argument;
  }
}

// A kernel as an object: calls the implementation of the device on which its first tensor lives.
template <auto Cpu, auto Cuda>
struct Kernel;
template <class... Args, void (*Cpu)(Args...), void (*Cuda)(Args...)>
struct Kernel<Cpu, Cuda> {
  const char* name;

  void operator()(Args... args) const {
    if (device_of(args...).is_cuda()) {
      const WorkName who(name);
      return Cuda(args...);
    }
    if (is_recording_work()) return record(args...);
    const WorkName who(name);
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

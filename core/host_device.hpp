// Marks a function that runs on both sides. Outside nvcc the marks vanish, so that the same source
// is plain C++.
//
// SCIMIX_GPU_CODE is 1 in a file that is compiled for a GPU: by nvcc, or by the host's compiler for
// the emulated GPU (emulated/). SCIMIX_ON_GPU is 1 where the code being compiled runs on a GPU;
// nvcc compiles such a file a second time for the host, where it is 0.
//
// SCIMIX_CODE names an inline namespace for inline functions and classes that differ between the
// two kinds of files. Without it, a program with both would have two definitions of one name, and
// the linker would keep either.
#pragma once

#ifdef SCIMIX_EMULATED_KERNELS
#include <emulated_kernel.hpp>  // what nvcc knows by itself
#endif

#ifdef __CUDACC__
#define SCIMIX_HD __host__ __device__
#else
#define SCIMIX_HD
#endif

#if defined(__CUDACC__) || defined(SCIMIX_EMULATED_KERNELS)
#define SCIMIX_GPU_CODE 1
#define SCIMIX_CODE gpu_code
#else
#define SCIMIX_GPU_CODE 0
#define SCIMIX_CODE host_code
#endif

#if defined(__CUDA_ARCH__) || defined(SCIMIX_EMULATED_KERNELS)
#define SCIMIX_ON_GPU 1
#else
#define SCIMIX_ON_GPU 0
#endif

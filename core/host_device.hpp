// SCIMIX_HD marks a function that is compiled for host and device. Without nvcc the macro is empty,
// so that the same source is plain C++.
//
// SCIMIX_GPU_CODE is 1 in a file that is compiled for a GPU: by nvcc, or by the host's compiler for
// the emulated GPU (emulated/). SCIMIX_ON_GPU is 1 while code that runs on a GPU is compiled. nvcc
// compiles the same file a second time for the host; SCIMIX_ON_GPU is then 0.
//
// SCIMIX_CODE is the name of an inline namespace for inline functions and classes that differ
// between GPU files and other files. Without it, a program with both would have two definitions of
// the same name, of which the linker would keep an arbitrary one.
#pragma once

#ifdef SCIMIX_EMULATED_KERNELS
#include <emulated_kernel.hpp>  // names that nvcc predefines
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

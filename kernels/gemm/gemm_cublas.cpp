#include <cublas_v2.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "core/cuda.hpp"
#include "kernels/gemm/gemm.hpp"
#include "kernels/machine/tf32.hpp"

#define SCIMIX_CUBLAS_CHECK(call) \
  SCIMIX_CHECK_STATUS("cuBLAS", call, CUBLAS_STATUS_SUCCESS, cublasGetStatusString)

namespace scimix::cuda {

namespace {

// The cuBLAS library: one handle on our stream.
class Library {
 public:
  Library() {
    SCIMIX_CUBLAS_CHECK(cublasCreate(&handle_));
    SCIMIX_CUBLAS_CHECK(cublasSetStream(handle_, current_stream()));
    // The workspace is from our allocator, since cuBLAS cannot allocate its own during stream
    // capture. NVIDIA recommends this size for Hopper; other GPUs need less.
    constexpr std::size_t kWorkspace = std::size_t{32} << 20;
    int index = 0;
    SCIMIX_CUDA_CHECK(cudaGetDevice(&index));
    const MemoryLabel label("cuBLAS workspace");
    workspace_ = allocate({Device::Kind::cuda, index}, kWorkspace);
    SCIMIX_CUBLAS_CHECK(cublasSetWorkspace(handle_, workspace_.get(), kWorkspace));
  }

  // Row-major c = op(a) op(b) is column-major c^T = op(b)^T op(a)^T, with the very same flags.
  void multiply(const Tensor& a, const Tensor& b, const Output& c, const GemmSizes& sizes,
                const Gemm& options) {
    const std::scoped_lock lock(mutex_);
    const cudaDataType_t type = a.dtype() == DType::bf16 ? CUDA_R_16BF : CUDA_R_32F;
    const bool tf32 = a.dtype() == DType::f32 && tf32_allowed();
    const auto operation = [](bool transposed) { return transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
    // BLAS wants rows of positive length, even of a matrix without columns.
    const auto width = [](const Tensor& t) {
      return static_cast<int>(std::max<std::int64_t>(t.dim(1), 1));
    };
    const auto alpha = static_cast<float>(options.alpha);
    const auto beta = static_cast<float>(options.beta);
    SCIMIX_CUBLAS_CHECK(cublasGemmEx(
        handle_, operation(options.transpose.b), operation(options.transpose.a),
        static_cast<int>(sizes.n), static_cast<int>(sizes.m), static_cast<int>(sizes.k), &alpha,
        b.raw(), type, width(b), a.raw(), type, width(a), &beta, c.raw(), type, width(c),
        tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
  }

 private:
  std::mutex mutex_;
  cublasHandle_t handle_ = nullptr;
  Memory workspace_;
};

// Never destroyed, because the CUDA driver may be unloaded before static objects are destroyed.
Library& library() {
  static Library& instance = *std::make_unique<Library>().release();
  return instance;
}

}  // namespace

void gemm(const Tensor& a, const Tensor& b, const Output& c, const Gemm& options) {
  const GemmSizes sizes = check_gemm(a, b, c, options);
  if (sizes.m == 0 || sizes.n == 0) return;
  if (sizes.k == 0 && options.beta == 0) return c.zero_();
  count_work(Work::library);
  library().multiply(a, b, c, sizes, options);
}

}  // namespace scimix::cuda

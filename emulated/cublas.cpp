// cuBLAS's matrix product by loops, with the checks that the library makes and some that it does
// not.
#include <cublas_v2.h>

#include <algorithm>

#include "emulated/gpu.hpp"
#include "emulated/numbers.hpp"

struct cublasContext {
  cudaStream_t stream = nullptr;
  bool has_workspace = false;
};

namespace {

using namespace scimix::emulated;

// A matrix in column order, `leading` elements from one column to the next.
struct Matrix {
  const void* data;
  bool is_bf16;
  bool transposed;
  std::int64_t leading;

  [[nodiscard]] float at(std::int64_t row, std::int64_t column) const {
    if (transposed) std::swap(row, column);
    return read_element(data, is_bf16, column * leading + row);
  }
};

// The bytes from the first to the last element of rows x columns, as stored.
std::size_t extent(std::int64_t rows, std::int64_t columns, std::int64_t leading, bool is_bf16) {
  if (rows == 0 || columns == 0) return 0;
  return static_cast<std::size_t>((columns - 1) * leading + rows) * (is_bf16 ? 2 : 4);
}

bool is_stored(const void* data, std::int64_t rows, std::int64_t columns, std::int64_t leading,
               bool is_bf16) {
  const std::size_t bytes = extent(rows, columns, leading, is_bf16);
  return bytes == 0 || is_device_range(data, bytes);
}

// op(matrix) as rows of `columns` numbers.
std::vector<double> gathered(const Matrix& matrix, std::int64_t rows, std::int64_t columns,
                             bool tf32) {
  std::vector<double> out(static_cast<std::size_t>(rows * columns));
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      const float value = matrix.at(i, j);
      out[static_cast<std::size_t>(i * columns + j)] = tf32 ? to_tf32(value) : value;
    }
  }
  return out;
}

cublasStatus_t enter_cublas(const char* function) {
  install_signal_handlers();
  if (const int error = injected_error(function)) return static_cast<cublasStatus_t>(error);
  return sticky_error() == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

}  // namespace

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  const Lock lock(gpu_mutex());
  if (const auto status = enter_cublas("cublasCreate")) return status;
  *handle = std::make_unique<cublasContext>().release();
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  const Lock lock(gpu_mutex());
  if (const auto status = enter_cublas("cublasSetStream")) return status;
  handle->stream = stream;
  handle->has_workspace = false;  // as the library does
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, size_t bytes) {
  const Lock lock(gpu_mutex());
  if (const auto status = enter_cublas("cublasSetWorkspace")) return status;
  if (reinterpret_cast<std::uintptr_t>(workspace) % 256 != 0 ||
      !is_device_range(workspace, bytes)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  handle->has_workspace = true;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa,
                            cublasOperation_t transb, int m, int n, int k, const void* alpha,
                            const void* a, cudaDataType a_type, int lda, const void* b,
                            cudaDataType b_type, int ldb, const void* beta, void* c,
                            cudaDataType c_type, int ldc, cublasComputeType_t compute,
                            cublasGemmAlgo_t /*algorithm*/) {
  const Lock lock(gpu_mutex());
  if (const auto status = enter_cublas("cublasGemmEx")) return status;
  if (m < 0 || n < 0 || k < 0) return CUBLAS_STATUS_INVALID_VALUE;
  const bool narrow = a_type == CUDA_R_16BF;
  const bool wide_result = c_type == CUDA_R_32F;
  if (a_type != b_type || (a_type != CUDA_R_16BF && a_type != CUDA_R_32F) ||
      (c_type != a_type && !wide_result)) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  const bool tf32 = compute == CUBLAS_COMPUTE_32F_FAST_TF32 && !narrow;
  if (compute != CUBLAS_COMPUTE_32F && compute != CUBLAS_COMPUTE_32F_FAST_TF32) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  const bool turned_a = transa != CUBLAS_OP_N;
  const bool turned_b = transb != CUBLAS_OP_N;
  const int a_rows = turned_a ? k : m;
  const int a_columns = turned_a ? m : k;
  const int b_rows = turned_b ? n : k;
  const int b_columns = turned_b ? k : n;
  if (lda < std::max(1, a_rows) || ldb < std::max(1, b_rows) || ldc < std::max(1, m)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (!is_stored(a, a_rows, a_columns, lda, narrow) ||
      !is_stored(b, b_rows, b_columns, ldb, narrow) || !is_stored(c, m, n, ldc, !wide_result)) {
    report_fault(cudaErrorIllegalAddress,
                 "cublasGemmEx: a matrix does not lie inside one block of device memory");
    return CUBLAS_STATUS_EXECUTION_FAILED;
  }
  if (handle->stream != nullptr && handle->stream->capture != nullptr && !handle->has_workspace) {
    report_fault(cudaErrorStreamCaptureUnsupported,
                 "cublasGemmEx in a capture without a workspace, which it would have to allocate");
    return CUBLAS_STATUS_EXECUTION_FAILED;
  }
  const float factor = *static_cast<const float*>(alpha);
  const float keep = *static_cast<const float*>(beta);
  const Matrix left{a, narrow, turned_a, lda};
  const Matrix right{b, narrow, turned_b, ldb};
  const auto error = enqueue_simple(handle->stream, "cublasGemmEx", [=] {
    const DeviceAccess access;
    const std::vector<double> rows = gathered(left, m, k, tf32);
    const std::vector<double> columns = gathered(right, k, n, tf32);
    std::vector<double> sums(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < m; ++i) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (std::int64_t t = 0; t < k; ++t) {
        const double value = rows[static_cast<std::size_t>(i * k + t)];
        const double* const from = columns.data() + t * n;
        double* const to = sums.data();
#pragma omp simd
        for (std::int64_t j = 0; j < n; ++j) to[j] += value * from[j];
      }
      for (std::int64_t j = 0; j < n; ++j) {
        const std::int64_t at = j * ldc + i;
        double value = factor * sums[static_cast<std::size_t>(j)];
        if (keep != 0) value += keep * read_element(c, !wide_result, at);
        write_element(c, !wide_result, at, static_cast<float>(value));
      }
    }
  });
  return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

cublasStatus_t cublasGetProperty(libraryPropertyType type, int* value) {
  if (const int error = injected_error("cublasGetProperty")) {
    return static_cast<cublasStatus_t>(error);
  }
  *value = type == MAJOR_VERSION   ? CUBLAS_VER_MAJOR
           : type == MINOR_VERSION ? CUBLAS_VER_MINOR
                                   : CUBLAS_VER_PATCH;
  return CUBLAS_STATUS_SUCCESS;
}

const char* cublasGetStatusString(cublasStatus_t status) {
  static thread_local std::string text;
  text = "status " + std::to_string(static_cast<int>(status));
  return text.c_str();
}

// Mistakes that the emulated GPU must find, planted one by one, beside the same code without the
// mistake. This file is compiled as GPU code, in the build for the emulated GPU alone.
#define SCIMIX_EMULATED_KERNELS
#define SCIMIX_BACKEND cuda
#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "core/device.hpp"
#include "emulated/testing.hpp"
#include "kernels/launch/launch.hpp"
#include "kernels/launch/pack.hpp"
#include "planted.hpp"

using namespace scimix;

namespace {

// Device memory of `count` numbers.
class Numbers {
 public:
  explicit Numbers(std::size_t count) : count_(count) {
    REQUIRE(cudaMalloc(reinterpret_cast<void**>(&data_), count * sizeof(float)) == cudaSuccess);
  }
  ~Numbers() { static_cast<void>(cudaFree(data_)); }
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;

  [[nodiscard]] float* get() const { return data_; }
  [[nodiscard]] std::vector<float> read() const {
    std::vector<float> out(count_);
    REQUIRE(cudaMemcpyAsync(out.data(), data_, count_ * sizeof(float), cudaMemcpyDeviceToHost,
                            cuda::current_stream()) == cudaSuccess);
    REQUIRE(cudaStreamSynchronize(cuda::current_stream()) == cudaSuccess);
    return out;
  }
  void free_early() {
    CHECK(cudaFree(data_) == cudaSuccess);
    data_ = nullptr;
  }

 private:
  float* data_ = nullptr;
  std::size_t count_;
};

// Leaves no fault behind for the next case.
struct Clean {
  Clean() { emulated::clear_faults(); }
  ~Clean() { emulated::clear_faults(); }
};

bool found(const char* words) {
  return emulated::last_fault().find(words) != std::string::npos;
}

void wait() {
  static_cast<void>(cudaStreamSynchronize(cuda::current_stream()));
}

cudaStream_t second_stream() {
  static cudaStream_t stream = [] {
    cudaStream_t out = nullptr;
    REQUIRE(cudaStreamCreateWithFlags(&out, cudaStreamNonBlocking) == cudaSuccess);
    return out;
  }();
  return stream;
}

bool elsewhere() {
  return std::getenv("SCIMIX_PLANTED") == nullptr;
}

// Runs a case of this file that ends its process, and returns what it printed.
std::string last_words(const std::string& name) {
  ::setenv("SCIMIX_PLANTED", "1", 1);
  const test::ProgramResult result =
      test::run_program("scimix_tests", {"--test-case=planted: " + name});
  ::unsetenv("SCIMIX_PLANTED");
  CHECK(result.exit_code == emulated::kDeath);
  return result.error;
}

constexpr std::int64_t kCount = 1000;

void fill_with(float* to, float value) {
  cuda::for_each(kCount, [=](std::int64_t i) { to[i] = value; });
}

}  // namespace

TEST_SUITE_BEGIN("emulated GPU");

TEST_CASE("emulated: a kernel runs once for each item, and fresh memory is NaN") {
  const Clean clean;
  const Numbers x(kCount);
  for (const float value : x.read()) CHECK(std::isnan(value));
  cuda::for_each(kCount, [to = x.get()](std::int64_t i) { to[i] = static_cast<float>(i); });
  const std::vector<float> values = x.read();
  for (std::int64_t i = 0; i < kCount; ++i) {
    CHECK(values[static_cast<std::size_t>(i)] == static_cast<float>(i));
  }
}

namespace {
// As for_each, but in two blocks.
template <class F>
void on_two_blocks(std::int64_t n, F f) {
  cuda::detail::launch<&cuda::detail::run_each<F, 0>>(2, 0, n, f);
}
}  // namespace

// for_each gives a thread a second item only beyond 268 million items, which no test has. Here 512
// threads take 1000 items, so that most of them take two and some take one.
TEST_CASE("emulated: a grid with fewer threads than items runs once for each item") {
  const Clean clean;
  const Numbers x(kCount);
  fill_with(x.get(), 0);
  on_two_blocks(kCount, [to = x.get()](std::int64_t i) { to[i] += static_cast<float>(i + 1); });
  const std::vector<float> values = x.read();
  for (std::int64_t i = 0; i < kCount; ++i) {
    CHECK(values[static_cast<std::size_t>(i)] == static_cast<float>(i + 1));
  }
}

TEST_CASE("emulated: items of a block share scratch, and add up") {
  const Clean clean;
  const Numbers sums(5);
  cuda::for_each_block(5, kCount * sizeof(float), [to = sums.get()](cuda::Block& block) {
    float* const row = block.scratch<float>(kCount);
    block.each(kCount, [&](std::int64_t i) { row[i] = static_cast<float>(i); });
    const auto total =
        block.sum<float>(kCount, [&](std::int64_t i) { return row[kCount - 1 - i]; });
    block.each(
        1, [&](std::int64_t) { to[block.index()] = total + static_cast<float>(block.index()); });
  });
  CHECK(sums.read() == std::vector<float>{499500, 499501, 499502, 499503, 499504});
}

// ---- accesses -----------------------------------------------------------------------------------

TEST_CASE("planted: the host reads device memory" * doctest::skip(elsewhere())) {
  const Numbers x(kCount);
  std::printf("%f\n", static_cast<double>(x.get()[0]));
}
TEST_CASE("planted: a kernel reads host memory through a null pointer" *
          doctest::skip(elsewhere())) {
  const Numbers x(kCount);
  const float* const nothing = nullptr;
  cuda::for_each(1, [to = x.get(), nothing](std::int64_t i) { to[i] = nothing[i + 5]; });
  wait();
}
TEST_CASE("planted: a kernel writes behind its block" * doctest::skip(elsewhere())) {
  const Numbers x(1024);
  cuda::for_each(1, [to = x.get()](std::int64_t i) { to[i + 1024] = 0; });
  wait();
}
TEST_CASE("planted: a graph uses memory that has been freed" * doctest::skip(elsewhere())) {
  Numbers x(kCount);
  const cudaStream_t stream = cuda::current_stream();
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  fill_with(x.get(), 1);
  REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  REQUIRE(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess);
  x.free_early();
  REQUIRE(cudaGraphLaunch(exec, stream) == cudaSuccess);
  wait();
}
TEST_CASE("planted: an access of 16 bytes at an address of 4" * doctest::skip(elsewhere())) {
  const Numbers x(kCount);
  cuda::for_each(1, [to = x.get()](std::int64_t) { store<4>(to, load<4>(to + 1)); });
  wait();
}

TEST_CASE("emulated: accesses that nobody may make end the process with their name") {
  CHECK(
      last_words("the host reads device memory").find("the host accesses device memory: byte 0") !=
      std::string::npos);
  CHECK(
      last_words("a kernel reads host memory*").find("accesses host memory or the null pointer") !=
      std::string::npos);
  CHECK(last_words("a kernel writes behind its block").find("memory that is not its own") !=
        std::string::npos);
  CHECK(last_words("a graph uses memory*").find("that has been freed") != std::string::npos);
  CHECK(last_words("an access of 16 bytes*").find("no multiple of its size") != std::string::npos);
}

TEST_CASE("emulated: a write behind a block that stays on its page is found when it is freed") {
  const Clean clean;
  {
    const Numbers x(10);
    cuda::for_each(1, [to = x.get()](std::int64_t i) { to[i + 10] = 0; });
    wait();
  }
  CHECK(found("something was written behind a block of 40 bytes"));
}

// ---- blocks -------------------------------------------------------------------------------------

TEST_CASE("emulated: a missing barrier shows as a wrong number") {
  const Clean clean;
  const auto run = [](bool with_barrier) {
    const Numbers out(cuda::kThreads);
    cuda::for_each_block(1, sizeof(float) * cuda::kThreads,
                         [to = out.get(), with_barrier](cuda::Block& block) {
                           float* const row = block.scratch<float>(cuda::kThreads);
                           row[threadIdx.x] = static_cast<float>(threadIdx.x);
                           if (with_barrier) __syncthreads();
                           to[threadIdx.x] = row[cuda::kThreads - 1 - threadIdx.x];
                         });
    return out.read();
  };
  std::vector<float> expected(cuda::kThreads);
  for (int i = 0; i < cuda::kThreads; ++i) {
    expected[static_cast<std::size_t>(i)] = static_cast<float>(cuda::kThreads - 1 - i);
  }
  CHECK(run(true) == expected);
  CHECK_FALSE(run(false) == expected);
}

TEST_CASE("emulated: a barrier that some threads do not reach is a fault") {
  const Clean clean;
  const Numbers out(1);
  cuda::for_each_block(1, 0, [](cuda::Block&) {
    if (threadIdx.x < 100) __syncthreads();
  });
  wait();
  CHECK(found("a barrier that not all threads reach: of 256 threads, 100 wait at a barrier"));
  // Like a failed launch on a GPU, it stays.
  CHECK(cudaGetLastError() == cudaErrorLaunchFailure);
  CHECK(cudaStreamSynchronize(cuda::current_stream()) == cudaErrorLaunchFailure);
}

TEST_CASE("emulated: scratch that is one byte short is a fault") {
  const Clean clean;
  const auto run = [](std::size_t bytes) {
    cuda::for_each_block(1, bytes, [](cuda::Block& block) {
      auto* const room = block.scratch<unsigned char>(100);
      block.each(100, [&](std::int64_t i) { room[i] = 1; });
    });
    wait();
  };
  run(100);
  CHECK(emulated::last_fault().empty());
  run(99);
  CHECK(found("a write outside the 99 bytes of scratch"));
}

namespace {
__global__ void does_nothing(int) {}
const void* const kNothing = reinterpret_cast<const void*>(&does_nothing);

cudaError_t start(unsigned blocks, unsigned threads, std::size_t scratch, bool early = false) {
  emulated::register_kernel<&does_nothing>();
  cudaLaunchConfig_t config{};
  cudaLaunchAttribute attribute = cuda::early_launch();
  config.attrs = &attribute;
  config.numAttrs = early ? 1 : 0;
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(threads);
  config.dynamicSmemBytes = scratch;
  config.stream = cuda::current_stream();
  return cudaLaunchKernelEx(&config, &does_nothing, 1);
}
}  // namespace

TEST_CASE("emulated: a launch beyond a GPU's limits is refused") {
  const Clean clean;
  CHECK(start(1, 256, 0) == cudaSuccess);
  CHECK(start(0, 256, 0) == cudaErrorInvalidConfiguration);
  CHECK(start(1, 1025, 0) == cudaErrorInvalidConfiguration);
  constexpr int kMuch = 100 * 1024;
  CHECK(start(1, 256, kMuch) == cudaErrorInvalidValue);
  CHECK(cudaFuncSetAttribute(kNothing, cudaFuncAttributeMaxDynamicSharedMemorySize, kMuch) ==
        cudaSuccess);
  CHECK(start(1, 256, kMuch) == cudaSuccess);
  CHECK(cudaFuncSetAttribute(kNothing, cudaFuncAttributeMaxDynamicSharedMemorySize, 228 * 1024) ==
        cudaErrorInvalidValue);
  wait();
}

TEST_CASE("emulated: a kernel that may be launched early waits for the work before it") {
  const Clean clean;
  REQUIRE(cuda::launches_early(kNothing));
  CHECK(start(3, 64, 0) == cudaSuccess);
  Numbers x(1);
  cuda::for_each(1, [p = x.get()](std::int64_t) { *p = 1; });
  cuda::for_each_block(
      1, 0, [p = x.get()](cuda::Block& block) { block.each(1, [&](std::int64_t) { *p += 1; }); });
  CHECK(x.read()[0] == 2);
  CHECK(emulated::last_fault().empty());
  // This kernel does not wait.
  CHECK(start(3, 64, 0, true) == cudaSuccess);
  wait();
  CHECK(found("a kernel that may be launched early does not wait for the work before it"));
}

TEST_CASE("planted: launches on a GPU that cannot launch early" *
          doctest::skip(test::not_planted())) {
  std::printf("asked to: %s\n", cuda::launches_early(kNothing) ? "yes" : "no");
  const bool refused = start(1, 32, 0, true) == cudaErrorNotSupported;
  std::printf("if it were: %s\n", refused ? "refused" : "accepted");
}

TEST_CASE("emulated: a GPU that cannot launch kernels early is not asked to") {
  const test::ProgramResult result = test::run_planted("launches on a GPU that cannot launch early",
                                                       {{"SCIMIX_EMULATED_CAPABILITY", "80"}});
  CHECK(result.out.find("asked to: no") != std::string::npos);
  CHECK(result.out.find("if it were: refused") != std::string::npos);
}

// ---- streams ------------------------------------------------------------------------------------

TEST_CASE("emulated: work of two streams has no order unless an event makes one") {
  const Clean clean;
  cudaEvent_t event = nullptr;
  REQUIRE(cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == cudaSuccess);
  // The second stream writes a number that the first overwrites: how often is the second the last?
  const auto late_writes = [&](bool with_event) {
    int late = 0;
    for (int i = 0; i < 40; ++i) {
      const Numbers x(1);
      REQUIRE(cudaMemsetAsync(x.get(), 1, 4, second_stream()) == cudaSuccess);
      REQUIRE(cudaEventRecord(event, second_stream()) == cudaSuccess);
      if (with_event) REQUIRE(cudaStreamWaitEvent(cuda::current_stream(), event, 0) == cudaSuccess);
      REQUIRE(cudaMemsetAsync(x.get(), 0, 4, cuda::current_stream()) == cudaSuccess);
      wait();
      REQUIRE(cudaStreamSynchronize(second_stream()) == cudaSuccess);
      late += x.read()[0] != 0 ? 1 : 0;
    }
    return late;
  };
  CHECK(late_writes(true) == 0);
  CHECK(late_writes(false) > 0);
}

TEST_CASE("emulated: an asynchronous copy reads host memory when it runs") {
  const Clean clean;
  const Numbers x(1);
  float value = 1;
  REQUIRE(cudaMemcpyAsync(x.get(), &value, sizeof value, cudaMemcpyHostToDevice,
                          cuda::current_stream()) == cudaSuccess);
  value = 2;
  CHECK(x.read()[0] == 2);
}

TEST_CASE("emulated: a copy whose kind does not fit its pointers is refused") {
  const Clean clean;
  const Numbers x(1);
  float value = 1;
  const cudaStream_t stream = cuda::current_stream();
  CHECK(cudaMemcpyAsync(x.get(), &value, 4, cudaMemcpyDeviceToHost, stream) ==
        cudaErrorInvalidValue);
  CHECK(cudaMemcpyAsync(x.get(), &value, 8, cudaMemcpyHostToDevice, stream) ==
        cudaErrorInvalidValue);
}

// ---- capture ------------------------------------------------------------------------------------

namespace {
struct Captured {
  cudaError_t inside;  // what the forbidden call answered
  cudaError_t end;
};
template <class F>
Captured capture(cudaStreamCaptureMode mode, F body) {
  const cudaStream_t stream = cuda::current_stream();
  REQUIRE(cudaStreamBeginCapture(stream, mode) == cudaSuccess);
  Captured out{};
  out.inside = body();
  cudaGraph_t graph = nullptr;
  out.end = cudaStreamEndCapture(stream, &graph);
  if (graph != nullptr) CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  return out;
}
}  // namespace

TEST_CASE("emulated: what a capture forbids fails, and makes it invalid") {
  const Clean clean;
  const auto allocate = [] {
    void* memory = nullptr;
    const cudaError_t status = cudaMalloc(&memory, 4);
    if (memory != nullptr) static_cast<void>(cudaFree(memory));
    return status;
  };
  const Captured strict = capture(cudaStreamCaptureModeThreadLocal, allocate);
  CHECK(strict.inside == cudaErrorStreamCaptureUnsupported);
  CHECK(strict.end == cudaErrorStreamCaptureInvalidated);

  const Captured wait = capture(cudaStreamCaptureModeThreadLocal,
                                [] { return cudaStreamSynchronize(cuda::current_stream()); });
  CHECK(wait.inside == cudaErrorStreamCaptureUnsupported);
  CHECK(wait.end == cudaErrorStreamCaptureInvalidated);

  cudaEvent_t event = nullptr;
  REQUIRE(cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == cudaSuccess);
  const Captured query = capture(cudaStreamCaptureModeThreadLocal, [&] {
    REQUIRE(cudaEventRecord(event, cuda::current_stream()) == cudaSuccess);
    return cudaEventQuery(event);
  });
  CHECK(query.inside == cudaErrorCapturedEvent);
  CHECK(query.end == cudaErrorStreamCaptureInvalidated);

  REQUIRE(cudaEventRecord(event, second_stream()) == cudaSuccess);
  const Captured outside = capture(cudaStreamCaptureModeThreadLocal, [&] {
    return cudaStreamWaitEvent(cuda::current_stream(), event, 0);
  });
  CHECK(outside.inside == cudaErrorStreamCaptureIsolation);
  CHECK(outside.end == cudaErrorStreamCaptureInvalidated);
}

TEST_CASE("emulated: a fork of a capture has to join again") {
  const Clean clean;
  const Numbers x(kCount);
  cudaEvent_t event = nullptr;
  REQUIRE(cudaEventCreateWithFlags(&event, cudaEventDisableTiming) == cudaSuccess);
  for (const bool joins : {true, false}) {
    const Captured result = capture(cudaStreamCaptureModeThreadLocal, [&] {
      REQUIRE(cudaEventRecord(event, cuda::current_stream()) == cudaSuccess);
      REQUIRE(cudaStreamWaitEvent(second_stream(), event, 0) == cudaSuccess);
      REQUIRE(cudaMemsetAsync(x.get(), 0, 4, second_stream()) == cudaSuccess);
      if (joins) {
        REQUIRE(cudaEventRecord(event, second_stream()) == cudaSuccess);
        REQUIRE(cudaStreamWaitEvent(cuda::current_stream(), event, 0) == cudaSuccess);
      }
      return cudaSuccess;
    });
    CHECK(result.end == (joins ? cudaSuccess : cudaErrorStreamCaptureUnjoined));
  }
}

TEST_CASE("emulated: a graph does what was captured, as often as it is launched") {
  const Clean clean;
  const Numbers x(kCount);
  const cudaStream_t stream = cuda::current_stream();
  fill_with(x.get(), 1);
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  cuda::for_each(kCount, [to = x.get()](std::int64_t i) { to[i] *= 2; });
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  CHECK(x.read()[0] == 1);
  REQUIRE(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess);
  for (int i = 0; i < 3; ++i) CHECK(cudaGraphLaunch(exec, stream) == cudaSuccess);
  CHECK(x.read()[kCount - 1] == 8);
}

// ---- libraries ----------------------------------------------------------------------------------

TEST_CASE("emulated: a product with a wrong leading dimension is refused or a fault") {
  const Clean clean;
  const Numbers a(6);
  const Numbers b(6);
  const Numbers c(4);
  fill_with(Numbers(kCount).get(), 0);
  const float one = 1;
  const float zero = 0;
  cublasHandle_t handle = nullptr;
  REQUIRE(cublasCreate(&handle) == CUBLAS_STATUS_SUCCESS);
  REQUIRE(cublasSetStream(handle, cuda::current_stream()) == CUBLAS_STATUS_SUCCESS);
  const auto multiply = [&](int lda) {
    return cublasGemmEx(handle, CUBLAS_OP_N, CUBLAS_OP_N, 2, 2, 3, &one, a.get(), CUDA_R_32F, lda,
                        b.get(), CUDA_R_32F, 3, &zero, c.get(), CUDA_R_32F, 2, CUBLAS_COMPUTE_32F,
                        CUBLAS_GEMM_DEFAULT);
  };
  CHECK(multiply(2) == CUBLAS_STATUS_SUCCESS);
  CHECK(multiply(1) == CUBLAS_STATUS_INVALID_VALUE);
  CHECK(multiply(3) == CUBLAS_STATUS_EXECUTION_FAILED);
  CHECK(found("cublasGemmEx: a matrix does not lie inside one block of device memory"));
}

TEST_CASE("emulated: an injected error is what the call answers, once") {
  const Clean clean;
  void* memory = nullptr;
  emulated::inject_error("cudaMalloc", {.error = cudaErrorMemoryAllocation, .after = 1});
  REQUIRE(cudaMalloc(&memory, 4) == cudaSuccess);
  CHECK(cudaFree(memory) == cudaSuccess);
  CHECK(cudaMalloc(&memory, 4) == cudaErrorMemoryAllocation);
  REQUIRE(cudaMalloc(&memory, 4) == cudaSuccess);
  CHECK(cudaFree(memory) == cudaSuccess);
}

TEST_SUITE_END();

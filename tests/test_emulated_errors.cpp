// Every vendor function fails in turn on the emulated GPU. The error must come out as an exception
// that names the call, the file and the line, or be met by another way to the same result; nothing
// may leak, and the same work must succeed afterwards.
#define SCIMIX_EMULATED_KERNELS
#define SCIMIX_BACKEND cuda
#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <cudnn.h>
#include <doctest/doctest.h>
#include <nccl.h>

#include <cstdio>

#include "core/device_cuda.hpp"
#include "core/graph.hpp"
#include "kernels/conv/conv.hpp"
#include "kernels/gemm/gemm.hpp"
#include "kernels/launch/launch.hpp"
#include "kernels/machine/versions.hpp"
#include "planted.hpp"
#include "rank_runs.hpp"
#include "tests/skip.hpp"

using namespace scimix;
using test::not_planted;
using test::ProgramResult;

namespace {

// Calls every function that the project calls on one GPU, but those of NCCL.
void everything_once() {
  const Device gpu = parse_device("cuda:0");
  select_device(gpu);
  static_cast<void>(describe(gpu));
  static_cast<void>(library_versions(gpu));
  const Tensor images =
      Tensor::from(std::vector<double>(4 * 4 * 8, 1.0), {1, 4, 4, 8}, DType::f32, gpu);
  const Tensor weights = Tensor::zeros({8, 3, 3, 8}, DType::f32, gpu);
  Tensor result = Tensor::empty({1, 4, 4, 8}, DType::f32, gpu);
  const Conv2dGeometry geometry = conv2d_geometry(images.shape(), weights.shape(), {});
  conv_fprop(images, weights, result, geometry);
  const Tensor a = Tensor::from(std::vector<double>{1, 2, 3, 4}, {2, 2}, DType::f32, gpu);
  Tensor product = Tensor::empty({2, 2}, DType::f32, gpu);
  gemm(a, a, product, {});
  cuda::for_each_block(1, std::size_t{60} * 1024, [](cuda::Block& block) {
    auto* const numbers = block.scratch<float>(4);
    block.each(4, [&](std::int64_t i) { numbers[i] = 0; });
  });
  const MemoryArena arena(gpu);
  const Graph graph(gpu, arena, [&] {
    conv_fprop(images, weights, result, geometry);
    gemm(a, a, product, {});
  });
  graph.replay();
  // Outside CHECK, which would catch what they throw.
  const std::vector<double> products = product.to_doubles();
  const std::vector<double> sums = result.to_doubles();
  CHECK(products == std::vector<double>{7, 10, 15, 22});
  CHECK(sums == std::vector<double>(4 * 4 * 8, 0.0));
}

// What must not grow.
std::string objects() {
  release_cached({Device::Kind::cuda, 0});
  std::string out;
  for (const char* const kind : {"stream", "event", "graph", "graph exec", "memory"}) {
    out += std::string(" ") + kind + " " + std::to_string(emulated::live_objects(kind)) + ",";
  }
  return out;
}

constexpr const char* kWell = "first time: well";

}  // namespace

TEST_CASE("planted: everything once" * doctest::skip(not_planted())) {
  try {
    everything_once();
    std::printf("%s\n", kWell);
  } catch (const Error& error) {
    std::printf("first time: %s\n", error.what());
  }
  emulated::clear_faults();  // an error that the first time has not met
  everything_once();
  std::printf("second time: well\nobjects:%s\n", objects().c_str());
}

namespace {

struct Failure {
  const char* function;
  int error;
  // What the message names; nothing: the work may also succeed, by another plan or at another
  // attempt.
  const char* call = nullptr;
};

std::string line_of(const std::string& text, const std::string& beginning) {
  const auto at = text.find(beginning);
  return at == std::string::npos ? "" : text.substr(at, text.find('\n', at) - at);
}

// Lets the function fail at its first, second, ... call, until it is not called so often.
int check_failures(const Failure& failure, const std::string& expected_objects) {
  int failed = 0;
  for (const int after : {0, 1, 3, 10, 40}) {
    CAPTURE(std::string(failure.function));
    CAPTURE(after);
    const ProgramResult result = test::run_planted(
        "everything once",
        {{"SCIMIX_EMULATED_ERROR", text(failure.function, ':', failure.error, ':', after)}});
    CAPTURE(result.out);
    CAPTURE(result.error);
    CHECK(result.exit_code == 0);
    const std::string first = line_of(result.out, "first time: ");
    CHECK(line_of(result.out, "second time: ") == "second time: well");
    CHECK(line_of(result.out, "objects:") == expected_objects);
    if (first == kWell) {
      if (failure.call != nullptr && after == 0) CHECK_MESSAGE(false, "the error went unseen");
      if (failure.call != nullptr) break;  // not called so often
      continue;
    }
    ++failed;
    if (failure.call != nullptr) CHECK(first.find(failure.call) != std::string::npos);
    const bool names_place = first.find(".cpp:") != std::string::npos ||
                             first.find(".hpp:") != std::string::npos ||
                             first.find("the GPU cannot be used") != std::string::npos;
    CHECK(names_place);
  }
  return failed;
}

}  // namespace

TEST_CASE("emulated: each function of the CUDA runtime and of cuBLAS that fails is named") {
  const std::string objects = line_of(test::run_planted("everything once").out, "objects:");
  REQUIRE_FALSE(objects.empty());
  constexpr int kLaunch = cudaErrorLaunchFailure;
  const Failure failures[] = {
      {"cudaGetDeviceCount", cudaErrorInitializationError, "the GPU cannot be used"},
      {"cudaGetDeviceProperties", kLaunch, "cudaGetDeviceProperties("},
      {"cudaDriverGetVersion", kLaunch, "cudaDriverGetVersion("},
      {"cudaRuntimeGetVersion", kLaunch, "cudaRuntimeGetVersion("},
      {"cudaSetDevice", kLaunch, "cudaSetDevice("},
      {"cudaGetDevice", kLaunch, "cudaGetDevice("},
      {"cudaStreamCreateWithFlags", kLaunch, "cudaStreamCreateWithFlags("},
      {"cudaMalloc", kLaunch, "cudaMalloc of "},
      {"cudaMemcpyAsync", kLaunch, "cudaMemcpyAsync("},
      {"cudaMemsetAsync", kLaunch, "cudaMemsetAsync("},
      {"cudaStreamSynchronize", kLaunch, "cudaStreamSynchronize("},
      {"cudaLaunchKernelExC", kLaunch, "cudaLaunchKernelEx("},
      {"cudaFuncSetAttribute", kLaunch, "cudaFuncSetAttribute("},
      {"cudaFuncGetAttributes", kLaunch, "cudaFuncGetAttributes("},
      {"cudaDeviceGetAttribute", kLaunch, "cudaDeviceGetAttribute("},
      {"cudaStreamBeginCapture", kLaunch, "cudaStreamBeginCapture("},
      {"cudaStreamEndCapture", kLaunch, "cudaStreamEndCapture("},
      {"cudaGraphInstantiate", kLaunch, "cudaGraphInstantiate("},
      {"cudaGraphUpload", kLaunch, "cudaGraphUpload("},
      {"cudaGraphLaunch", kLaunch, "cudaGraphLaunch("},
      {"cudaThreadExchangeStreamCaptureMode", kLaunch, "cudaThreadExchangeStreamCaptureMode("},
      {"cudaStreamIsCapturing", kLaunch, "cudaStreamIsCapturing("},
      {"cudaEventCreateWithFlags", kLaunch, "cudaEventCreate("},
      {"cudaEventRecord", kLaunch, "cudaEventRecord("},
      {"cudaEventSynchronize", kLaunch, "cudaEventSynchronize("},
      {"cudaEventElapsedTime", kLaunch, "cudaEventElapsedTime("},
      {"cublasCreate", CUBLAS_STATUS_NOT_INITIALIZED, "cublasCreate"},
      {"cublasGetProperty", CUBLAS_STATUS_INVALID_VALUE, "cublasGetProperty("},
      {"cublasSetStream", CUBLAS_STATUS_NOT_INITIALIZED, "cublasSetStream"},
      {"cublasSetWorkspace", CUBLAS_STATUS_INVALID_VALUE, "cublasSetWorkspace"},
      {"cublasGemmEx", CUBLAS_STATUS_EXECUTION_FAILED, "cublasGemmEx"},
      {"cudnnCreate", CUDNN_STATUS_NOT_INITIALIZED, "cudnnCreate("},
      {"cudnnSetStream", CUDNN_STATUS_BAD_PARAM, "cudnnSetStream("},
  };
  for (const Failure& failure : failures) CHECK(check_failures(failure, objects) > 0);
}

TEST_CASE(
    "emulated: a plan of cuDNN that fails is replaced by another, or the convolution is named") {
  const std::string objects = line_of(test::run_planted("everything once").out, "objects:");
  for (const char* const function :
       {"cudnnBackendCreateDescriptor", "cudnnBackendSetAttribute", "cudnnBackendFinalize",
        "cudnnBackendGetAttribute", "cudnnBackendExecute"}) {
    static_cast<void>(check_failures({function, CUDNN_STATUS_INTERNAL_ERROR}, objects));
  }
}

TEST_CASE("emulated: memory that is full once is had after the caches are freed") {
  const std::string objects = line_of(test::run_planted("everything once").out, "objects:");
  const ProgramResult result = test::run_planted(
      "everything once",
      {{"SCIMIX_EMULATED_ERROR", text("cudaMalloc:", int{cudaErrorMemoryAllocation}, ":2")}});
  CAPTURE(result.out);
  CHECK(line_of(result.out, "first time: ") == kWell);
  CHECK(line_of(result.out, "objects:") == objects);
}

TEST_CASE("emulated: a GPU that is full is one line that says who holds what, and exit code 2") {
  const test::TempFolder folder;
  const test::WithEnvironment environment(test::Environment{{"SCIMIX_EMULATED_MEGABYTES", "1"}});
  const ProgramResult result =
      test::run_program("scimix_train", {"classifier", "--dataset", "digits", "--device", "cuda:0",
                                         "--steps", "2", "--out", (folder / "run").string()});
  CAPTURE(result.error);
  CHECK(result.exit_code == 2);
  CHECK(result.error.find("out of memory on cuda:0") != std::string::npos);
  CHECK(result.error.find("smaller batches") != std::string::npos);
}

TEST_CASE("emulated: a program has code for the GPUs that its architectures say") {
  struct Expected {
    const char* architectures;
    std::vector<int> capabilities;  // of 75, 80, 86, 90, 100
  };
  for (const Expected& expected : {Expected{"90", {90, 100}},
                                   {"90-virtual", {90, 100}},
                                   {"90-real", {90}},
                                   {"80-real", {80, 86}},
                                   {"75-real;90a", {75, 90}},
                                   {"75-real;86-real;100", {75, 86, 100}},
                                   {"native", {75, 80, 86, 90, 100}}}) {
    std::vector<int> found;
    for (const int capability : {75, 80, 86, 90, 100}) {
      if (cuda::has_code_for(expected.architectures, capability)) found.push_back(capability);
    }
    CAPTURE(std::string(expected.architectures));
    CHECK(found == expected.capabilities);
  }
}

TEST_CASE("emulated: a GPU that cannot be used is a user's mistake, never silently the CPU") {
  const test::TempFolder folder;
  const auto train = [&](const test::Environment& variables) {
    const test::WithEnvironment environment(variables);
    return test::run_program(
        "scimix_train", test::classifier_run((folder / "run").string(), {"--steps", "1"}, "auto"));
  };
  const auto injected = [](int error) {
    return test::Environment{{"SCIMIX_EMULATED_ERROR", text("cudaGetDeviceCount:", error, ":0")}};
  };
  const auto with_driver = [&](const char* version) {
    test::Environment variables = injected(cudaErrorInsufficientDriver);
    variables.emplace_back("SCIMIX_EMULATED_DRIVER", version);
    return variables;
  };
  for (const int error : {int{cudaErrorInsufficientDriver}, int{cudaErrorInitializationError},
                          int{cudaErrorDevicesUnavailable}, int{cudaErrorSystemDriverMismatch}}) {
    const ProgramResult result = train(injected(error));
    CAPTURE(result.error);
    CHECK(result.exit_code == 2);
    CHECK(result.error.find("--device cpu") != std::string::npos);
    CHECK(result.error.find('\n') == result.error.size() - 1);
    CHECK_FALSE(std::filesystem::exists(folder / "run"));
  }
  struct Unusable {
    test::Environment variables;
    const char* message;
  };
  for (const Unusable& unusable :
       {Unusable{with_driver("12020"), "the NVIDIA driver supports CUDA 12.2, this program needs"},
        Unusable{{{"SCIMIX_EMULATED_CAPABILITY", "75"}},
                 "cuda:0 (emulated GPU) has compute capability 7.5, this program was compiled for "
                 "SCIMIX_CUDA_ARCHITECTURES=90: build it with -DSCIMIX_CUDA_ARCHITECTURES=75"}}) {
    const ProgramResult result = train(unusable.variables);
    CAPTURE(result.error);
    CHECK(result.exit_code == 2);
    CHECK(result.error.find(unusable.message) != std::string::npos);
    CHECK(result.error.find("or say --device cpu") != std::string::npos);
    CHECK(result.error.find('\n') == result.error.size() - 1);
    CHECK_FALSE(std::filesystem::exists(folder / "run"));
  }
  // Machines without a GPU or without a driver are no mistakes.
  for (const test::Environment& variables :
       {test::Environment{{"SCIMIX_EMULATED_GPUS", "0"}}, with_driver("0")}) {
    const ProgramResult none = train(variables);
    CAPTURE(none.error);
    CHECK(none.exit_code == 0);
    std::filesystem::remove_all(folder / "run");
  }
}

TEST_CASE("planted: the second GPU" * doctest::skip(not_planted())) {
  select_device(parse_device("cuda:1"));
  std::printf("auto: %s\ncuda: %s\n", text(parse_device("auto")).c_str(),
              text(parse_device("cuda")).c_str());
  try {
    select_device(parse_device("cuda:0"));
  } catch (const Error& error) {
    std::printf("refused: %s\n", error.what());
  }
  select_device(parse_device("cuda:1"));
}

TEST_CASE("emulated: one process uses one GPU, which auto then means") {
  const ProgramResult result = test::run_planted("the second GPU");
  CHECK(result.exit_code == 0);
  CHECK(line_of(result.out, "auto: ") == "auto: cuda:1");
  CHECK(line_of(result.out, "cuda: ") == "cuda: cuda:1");
  CHECK(line_of(result.out, "refused: cuda:0: this process already uses cuda:1") != "");
}

TEST_CASE("emulated: a cuDNN that is not complete is a user's mistake") {
  const test::TempFolder folder;
  for (const int status : {int{CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED},
                           int{CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH}}) {
    const test::WithEnvironment environment(
        test::Environment{{"SCIMIX_EMULATED_ERROR", text("cudnnCreate:", status, ":0")}});
    const ProgramResult result = test::run_program(
        "scimix_train",
        test::classifier_run((folder / "run").string(), {"--steps", "1"}, "cuda:0"));
    CAPTURE(result.error);
    CHECK(result.exit_code == 2);
    CHECK(result.error.find("cuDNN cannot be used: ") != std::string::npos);
    CHECK(result.error.find("LD_LIBRARY_PATH, or say --device cpu") != std::string::npos);
    std::filesystem::remove_all(folder / "run");
  }
}

namespace {

// Two ranks train a generator, which uses all operations of NCCL, while `error` is injected.
void check_ranks_end(const std::string& function, const std::string& error) {
  CAPTURE(function);
  CAPTURE(error);
  const test::TempFolder folder;
  const test::WithEnvironment environment(
      test::Environment{{"SCIMIX_EMULATED_ERROR", function + ":" + error}});
  const ProgramResult result = test::run_on_ranks(
      2, "scimix_train",
      test::generator_run(
          (folder / "run").string(),
          {"--labels", "40", "--steps", "3", "--sync-norm", "true", "--rank-timeout", "5"},
          "cuda"));
  CAPTURE(result.out);
  CAPTURE(result.error);
  CHECK(result.exit_code != 0);
  CHECK(result.error.find(" error: ") != std::string::npos);
  CHECK(result.error.find(function + "(") != std::string::npos);
  CHECK(result.error.find("core/comm_nccl.cpp:") != std::string::npos);
}

}  // namespace

TEST_CASE("emulated: each function of NCCL that fails ends all ranks, and is named" *
          doctest::test_suite("ranks")) {
  if (std::system("command -v mpirun >/dev/null") != 0) return skip_check("no mpirun");
  const std::string nccl = text(int{ncclSystemError}, ":0");
  const std::string cuda = text(int{cudaErrorLaunchFailure}, ":0");
  for (const char* const function :
       {"ncclGetUniqueId", "ncclCommInitRank", "ncclAllReduce", "ncclAllGather",
        "ncclReduceScatter", "ncclBroadcast", "ncclCommGetAsyncError"}) {
    check_ranks_end(function, nccl);
  }
  check_ranks_end("cudaEventQuery", cuda);
  check_ranks_end("cudaStreamWaitEvent", cuda);
  // The other rank waits for a rank that fails alone.
  check_ranks_end("ncclCommInitRank", nccl + ":1");
  check_ranks_end("ncclAllReduce", nccl + ":1");
  check_ranks_end("cudaEventQuery", cuda + ":1");
}

// The mistakes that a reader of the CUDA code had warned of, each with the check that finds it.
// Where the project's code avoids the mistake, the case also makes it, to show that the check can
// fail.
#define SCIMIX_EMULATED_KERNELS
#define SCIMIX_BACKEND cuda
#include <cuda_runtime.h>
#include <cudnn.h>
#include <doctest/doctest.h>
#include <nccl.h>

#include <cstdlib>
#include <filesystem>
#include <typeinfo>

#include "bench/peak_memory.hpp"
#include "core/device.hpp"
#include "core/graph.hpp"
#include "cuda_calls.hpp"
#include "differences.hpp"
#include "kernels/conv/conv.hpp"
#include "kernels/elementwise/elementwise.hpp"
#include "kernels/launch/image_chunks.hpp"
#include "kernels/launch/lanes.hpp"
#include "kernels/launch/launch.hpp"
#include "kernels/launch/pack.hpp"
#include "kernels/launch/pixel_packs.hpp"
#include "kernels/launch/row_chunks.hpp"
#include "kernels/machine/tf32.hpp"
#include "kernels/rows/rows.hpp"
#include "kernels/softmax/softmax.hpp"
#include "network_checks.hpp"
#include "planted.hpp"
#include "skip.hpp"
#include "temp_folder.hpp"

using namespace scimix;
using test::fault_has;
using test::in_f64;
using test::NoFaults;
using test::not_planted;
using test::ProgramResult;

namespace {

constexpr Device kGpu{Device::Kind::cuda, 0};

void wait() {
  static_cast<void>(cudaStreamSynchronize(cuda::current_stream()));
}

}  // namespace

TEST_SUITE_BEGIN("emulated GPU");

// ---- errors of the driver -----------------------------------------------------------------------

TEST_CASE("emulated: only a machine without a GPU counts as one") {
  const NoFaults clean;
  for (const int error : {int{cudaErrorInsufficientDriver}, int{cudaErrorInitializationError},
                          int{cudaErrorNoKernelImageForDevice}}) {
    CAPTURE(error);
    emulated::inject_error("cudaGetDeviceCount", {.error = error});
    CHECK_THROWS_WITH_AS(static_cast<void>(cuda_device_count()), doctest::Contains("--device cpu"),
                         Error);
  }
  emulated::inject_error("cudaGetDeviceCount", {.error = cudaErrorNoDevice});
  CHECK(cuda_device_count() == 0);
  CHECK(cuda_device_count() == 4);
}

TEST_CASE("emulated: the GPU is not asked for anything before main") {
  const test::WithEnvironment environment(test::Environment{{"SCIMIX_EMULATED_ANNOUNCE", "1"}});
  const ProgramResult listing = test::run_program("scimix_tests", {"--list-test-cases"});
  CHECK(listing.error.find("emulated GPU: first use") == std::string::npos);
  const ProgramResult run =
      test::run_program("scimix_tests", {"--test-case=emulated: only a machine without a GPU*"});
  CHECK(run.error.find("emulated GPU: first use") != std::string::npos);
}

// ---- precision of convolutions ------------------------------------------------------------------

// The first engine that the emulated cuDNN offers rounds inputs to bf16, as engines with the note
// DOWN_CONVERT_INPUTS may. In f32 and in tf32 it must not be taken.
TEST_CASE("emulated: f32 convolutions are not cut to 16 bits, nor strict ones to TF32") {
  const NoFaults clean;
  select_device(kGpu);
  const Tensor x = normal_tensor({2, 9, 7, 16}, DType::f32, 1);
  const Tensor w = normal_tensor({16, 3, 3, 16}, DType::f32, 2);
  const Conv2dGeometry geometry = conv2d_geometry(x.shape(), w.shape(), {});
  Tensor exact = Tensor::empty(geometry.y_shape(), DType::f64);
  conv_fprop(in_f64(x), in_f64(w), exact, geometry);
  // In a capture cuDNN's first plan is taken that may run, not the one that happens to be the
  // fastest.
  const auto error = [&] {
    const Tensor images = x.to(kGpu);
    const Tensor weights = w.to(kGpu);
    Tensor y = Tensor::empty(geometry.y_shape(), DType::f32, kGpu);
    const MemoryArena arena(kGpu);
    const Graph graph(kGpu, arena, [&] { conv_fprop(images, weights, y, geometry); });
    graph.replay();
    return test::relative_distance(y, exact);
  };
  CHECK(error() < 1e-6);
  const AllowTf32 allowed;
  const double rounded = error();
  CHECK(rounded > 1e-5);
  CHECK(rounded < 1e-3);  // bf16 would be 3e-3
}

// ---- scratch ------------------------------------------------------------------------------------

TEST_CASE("emulated: pieces of scratch are aligned for accesses of 16 bytes") {
  const NoFaults clean;
  cuda::for_each_block(3, 256, [](cuda::Block& block) {
    auto* const odd = block.scratch<unsigned char>(3);
    auto* const aligned = block.scratch<float>(8);
    block.each(1, [&](std::int64_t) {
      odd[2] = 1;
      store<4>(aligned, load<4>(aligned + 4));
    });
  });
  wait();
  CHECK(emulated::last_fault().empty());
}

TEST_CASE("planted: an access of 16 bytes to scratch at an odd place" *
          doctest::skip(not_planted())) {
  cuda::for_each_block(1, 256, [](cuda::Block& block) {
    auto* const numbers = block.scratch<float>(16);
    block.each(1, [&](std::int64_t) { store<4>(numbers, load<4>(numbers + 1)); });
  });
  wait();
}

TEST_CASE("emulated: an access to scratch that is not aligned is found") {
  const ProgramResult result = test::run_planted("an access of 16 bytes to scratch*");
  CHECK(result.exit_code == emulated::kDeath);
  CHECK(result.error.find("no multiple of its size") != std::string::npos);
}

// ---- one definition of each name ----------------------------------------------------------------

// A program has GPU code and host code of these; under one name, the linker would keep either.
TEST_CASE("emulated: code that differs between GPU and host has names of its own") {
  const auto name = [](const std::type_info& type) { return std::string(type.name()); };
  CHECK(name(typeid(Lanes<float, 4>)).find("gpu_code") != std::string::npos);
}

// ---- grids --------------------------------------------------------------------------------------

// An H100 has 132 processors. Passes over the largest activations of the networks at batch 64 give
// each of them four blocks; over small ones, as many as have 2,048 elements each.
TEST_CASE("emulated: grids follow the shape, so that no processor of an H100 stays idle") {
  struct Activation {
    std::int64_t pixels, channels;
  };
  const auto blocks = [](std::int64_t rows, std::int64_t channels) {
    const std::int64_t lengths[] = {rows};
    return RowChunks(RowSegments::of(lengths, 1), channels).blocks();
  };
  const auto blocks_of_images = [](std::int64_t batch, const Activation& a) {
    return ImageChunks(Shape{batch, a.pixels, 1, a.channels}).blocks();
  };
  for (const Activation& a :
       {Activation{32 * 32, 16}, Activation{32 * 32, 32}, Activation{16 * 16, 64},
        Activation{8 * 8, 128}, Activation{8 * 8, 512}, Activation{96 * 96, 32}}) {
    for (const std::int64_t batch : {2, 64, 448}) {
      CAPTURE(a.pixels);
      CAPTURE(a.channels);
      CAPTURE(batch);
      const std::int64_t elements = batch * a.pixels * a.channels;
      const std::int64_t found = blocks(batch * a.pixels, a.channels);
      // Whole rows do not divide evenly.
      CHECK(10 * found >= 9 * std::min<std::int64_t>(4 * 132, elements / 2048));
      CHECK(found <= 8 * 1024);  // their sums are merged
      // No block spans two images, so that small images have blocks of their own.
      CHECK(10 * blocks_of_images(batch, a) >=
            9 * std::min<std::int64_t>(4 * 132, elements / 2048));
    }
  }
}

namespace {

// Checks that the first thread of the first block, which has the most rows of all threads, has at
// least four, so that it loads four at a time.
template <int N>
void check_four_rows_at_once(const Shape& images) {
  const std::int64_t rows[] = {images.numel() / images[3]};
  for (const RowTile& tile :
       {ImageChunks(images).tile(0), RowChunks(RowSegments::of(rows, 1), images[3]).tile(0)}) {
    CHECK(tile.rows > 3 * RowLanes<N>(tile).lanes);
  }
}

}  // namespace

// Smaller images would not test what they are for. 4 and 8: channels per thread in f32 and bf16.
TEST_CASE("emulated: the images of test_row_loops.cpp have four rows for a thread") {
  check_four_rows_at_once<4>({2, 47, 99, 256});
  check_four_rows_at_once<8>({2, 67, 103, 256});
}

// ---- memory -------------------------------------------------------------------------------------

// Freeing memory inside a capture would make it invalid and hide what is wrong.
TEST_CASE("emulated: memory that runs out inside a capture is said so, and nothing is freed") {
  const NoFaults clean;
  select_device(kGpu);
  { const Tensor cached = Tensor::empty({1 << 20}, DType::f32, kGpu); }
  const MemoryArena arena(kGpu);
  const std::int64_t freed = emulated::calls_of("cudaFree");
  emulated::inject_error("cudaMalloc", {.error = cudaErrorMemoryAllocation});
  CHECK_THROWS_WITH_AS(Graph(kGpu, arena,
                             [] {
                               Tensor large = Tensor::empty({3 << 22}, DType::f32, kGpu);
                               fill(large, 1.0);
                             }),
                       doctest::Contains("out of memory on cuda:0"), Error);
  CHECK(emulated::calls_of("cudaFree") == freed);
  // The stream can be captured again.
  Tensor x = Tensor::zeros({4}, DType::f32, kGpu);
  const Graph graph(kGpu, arena, [&] { fill(x, 2.0); });
  graph.replay();
  CHECK(x.to_doubles() == std::vector<double>{2, 2, 2, 2});
}

TEST_CASE("emulated: the benchmark reports the memory of the GPU") {
  select_device(kGpu);
  release_cached(kGpu);
  reset_peak_memory(kGpu);
  const double before = peak_memory(kGpu);
  { const Tensor large = Tensor::empty({1 << 20}, DType::f32, kGpu); }
  CHECK(peak_memory(kGpu) - before >= 4.0 * (1 << 20));
  CHECK(peak_memory(kGpu) - before < 5.0 * (1 << 20));
}

// ---- values that are bugs
// ------------------------------------------------------------------------

TEST_CASE("emulated: what throws on a CPU is NaN on a GPU, which cannot throw") {
  const NoFaults clean;
  select_device(kGpu);
  const auto i32 = [](const std::vector<std::int32_t>& values) {
    return Tensor::from_host(std::span<const std::int32_t>(values), {std::ssize(values)}).to(kGpu);
  };
  const Tensor x = Tensor::from(std::vector<double>{1, 2, 3, 4}, {2, 2}, DType::f32, kGpu);
  Tensor rows = Tensor::empty({3, 2}, DType::f32, kGpu);
  gather(x, i32({1, 2, -1}), rows);
  const std::vector<double> gathered = rows.to_doubles();
  CHECK(gathered[0] == 3);
  CHECK(gathered[1] == 4);
  for (std::size_t i = 2; i < gathered.size(); ++i) CHECK(std::isnan(gathered[i]));
  Tensor loss = Tensor::empty({2}, DType::f32, kGpu);
  Tensor lse = Tensor::empty({2}, DType::f32, kGpu);
  cross_entropy_forward(x, i32({0, 2}), loss, lse);
  const std::vector<double> losses = loss.to_doubles();
  CHECK(losses[0] == doctest::Approx(std::log(1 + std::exp(1.0))));
  CHECK(std::isnan(losses[1]));
}

// ---- copies -------------------------------------------------------------------------------------

// The check that a steady step copies nothing counts names of the driver's functions.
TEST_CASE("emulated: copies say in which direction they go, so that their count is complete") {
  const NoFaults clean;
  select_device(kGpu);
  const Tensor x = Tensor::from(std::vector<double>{1, 2}, {2}, DType::f32, kGpu);
  const test::CudaCalls counting;
  Tensor y = x.clone();
  CHECK(y.to_doubles() == std::vector<double>{1, 2});
  static_cast<void>(Tensor::from(std::vector<double>{3}, {1}, DType::f32, kGpu));
  auto calls = counting.by_name();
  CHECK(calls["cuMemcpyAsync"] == 0);
  CHECK(calls["cuMemcpyDtoHAsync_v2"] == 1);
  CHECK(calls["cuMemcpyHtoDAsync_v2"] == 1);
  // A copy of kind "default" would be counted under another name.
  float value = 0;
  CHECK(cudaMemcpyAsync(&value, y.raw(), 4, cudaMemcpyDefault, cuda::current_stream()) ==
        cudaSuccess);
  wait();
  CHECK(counting.by_name()["cuMemcpyAsync"] == 1);
}

// ---- NCCL ---------------------------------------------------------------------------------------

namespace {

ncclComm_t alone_in_a_group() {
  ncclUniqueId id{};
  ncclComm_t comm = nullptr;
  REQUIRE(ncclGetUniqueId(&id) == ncclSuccess);
  REQUIRE(ncclCommInitRank(&comm, 1, id, 0) == ncclSuccess);
  return comm;
}

}  // namespace

TEST_CASE("planted: a communicator that is destroyed while a graph of its work lives" *
          doctest::skip(not_planted())) {
  const ncclComm_t comm = alone_in_a_group();
  float* memory = nullptr;
  const cudaStream_t stream = cuda::current_stream();
  REQUIRE(cudaMalloc(reinterpret_cast<void**>(&memory), 64) == cudaSuccess);
  cudaGraph_t graph = nullptr;
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  REQUIRE(ncclAllReduce(memory, memory, 16, ncclFloat32, ncclSum, comm, stream) == ncclSuccess);
  REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  if (std::getenv("SCIMIX_GRAPH_FIRST") != nullptr) CHECK(cudaGraphDestroy(graph) == cudaSuccess);
  static_cast<void>(ncclCommAbort(comm));
  std::printf("the communicator has gone\n");
}

TEST_CASE("emulated: a communicator must not go before the graphs of its work") {
  const ProgramResult early = test::run_planted("a communicator that is destroyed*");
  CHECK(early.exit_code == emulated::kDeath);
  CHECK(early.error.find("ncclCommAbort would wait for ever") != std::string::npos);
  const ProgramResult late =
      test::run_planted("a communicator that is destroyed*", {{"SCIMIX_GRAPH_FIRST", "1"}});
  CHECK(late.exit_code == 0);
  CHECK(late.out.find("the communicator has gone") != std::string::npos);
}

// ---- strides ------------------------------------------------------------------------------------

namespace {

// A descriptor of cuDNN's backend, filled and finalised.
class Described {
 public:
  explicit Described(cudnnBackendDescriptorType_t type) {
    REQUIRE(cudnnBackendCreateDescriptor(type, &descriptor_) == CUDNN_STATUS_SUCCESS);
  }
  ~Described() { static_cast<void>(cudnnBackendDestroyDescriptor(descriptor_)); }
  Described(const Described&) = delete;
  Described& operator=(const Described&) = delete;

  template <class T>
  Described& set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                 const std::vector<T>& values) {
    REQUIRE(cudnnBackendSetAttribute(descriptor_, name, type, std::ssize(values), values.data()) ==
            CUDNN_STATUS_SUCCESS);
    return *this;
  }
  Described& set(cudnnBackendAttributeName_t name, const Described& other) {
    return set<cudnnBackendDescriptor_t>(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, {other.get()});
  }
  Described& done() {
    REQUIRE(cudnnBackendFinalize(descriptor_) == CUDNN_STATUS_SUCCESS);
    return *this;
  }
  [[nodiscard]] cudnnBackendDescriptor_t get() const { return descriptor_; }

 private:
  cudnnBackendDescriptor_t descriptor_ = nullptr;
};

using Sizes = std::vector<std::int64_t>;

void describe_tensor(Described& tensor, std::int64_t id, const Sizes& dims, const Sizes& strides) {
  tensor.set<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, {CUDNN_DATA_FLOAT})
      .set<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, {id})
      .set<std::int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, {16})
      .set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, dims)
      .set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, strides)
      .done();
}

// The 1x1 convolution of an image [1,2,4,2] of 0, 1, 2, ... with the identity, when x has these
// strides.
std::vector<double> convolve_identity(const Sizes& x_strides, cudnnStatus_t* status) {
  // cuDNN takes the addresses of inputs, too, as void*.
  Tensor x = Tensor::from(std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                          {1, 2, 4, 2}, DType::f32, kGpu);
  Tensor w = Tensor::from(std::vector<double>{1, 0, 0, 1}, {2, 1, 1, 2}, DType::f32, kGpu);
  Tensor y = Tensor::zeros({1, 2, 4, 2}, DType::f32, kGpu);
  Described in(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  describe_tensor(in, 1, {1, 2, 2, 4}, x_strides);
  Described kernel(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  describe_tensor(kernel, 2, {2, 2, 1, 1}, {2, 1, 2, 2});
  Described out(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  describe_tensor(out, 3, {1, 2, 2, 4}, {16, 1, 8, 2});
  Described options(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  options.set<std::int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, {0, 0})
      .set<std::int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, {1, 1})
      .set<std::int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, {1, 1})
      .done();
  Described operation(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
  operation.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, in)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, kernel)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, out)
      .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, options)
      .done();
  Described graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operation).done();
  Described engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  engine.set(CUDNN_ATTR_ENGINE_OPERATION_GRAPH, graph)
      .set<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, {0})
      .done();
  Described config(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
  config.set(CUDNN_ATTR_ENGINECFG_ENGINE, engine).done();
  Described plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config).done();
  Described pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, {1, 2, 3})
      .set<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
                  {x.raw(), w.raw(), y.raw()})
      .done();
  cudnnHandle_t handle = nullptr;
  REQUIRE(cudnnCreate(&handle) == CUDNN_STATUS_SUCCESS);
  REQUIRE(cudnnSetStream(handle, cuda::current_stream()) == CUDNN_STATUS_SUCCESS);
  *status = cudnnBackendExecute(handle, plan.get(), pack.get());
  static_cast<void>(cudnnDestroy(handle));
  return *status == CUDNN_STATUS_SUCCESS ? y.to_doubles() : std::vector<double>{};
}

}  // namespace

TEST_CASE("emulated: a convolution with a wrong stride gives wrong numbers or is a fault") {
  const NoFaults clean;
  select_device(kGpu);
  cudnnStatus_t status{};
  std::vector<double> counting(16);
  for (std::size_t i = 0; i < 16; ++i) counting[i] = static_cast<double>(i);
  CHECK(convolve_identity({16, 1, 8, 2}, &status) == counting);
  CHECK(status == CUDNN_STATUS_SUCCESS);
  // As if the image were stored [N,C,H,W].
  CHECK_FALSE(convolve_identity({16, 8, 4, 1}, &status) == counting);
  CHECK(status == CUDNN_STATUS_SUCCESS);
  // A row too long reaches beyond the image, which lies in a larger block: cuDNN reads what is not
  // its own.
  static_cast<void>(convolve_identity({16, 1, 1 << 20, 2}, &status));
  CHECK(status == CUDNN_STATUS_BAD_PARAM);
  CHECK(fault_has("tensor x of a convolution does not lie inside one block of memory"));
}

TEST_SUITE_END();

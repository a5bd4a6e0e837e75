// Convolution through cuDNN 9's graph API. An execution plan is made once for each kind, element
// type and geometry. cuDNN's candidates are timed on the buffers of the first call, and the fastest
// one is kept on disk for later runs (plan_cache.hpp). Nothing is timed while a step is captured.
#include <cudnn_frontend.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "core/cuda.hpp"
#include "core/graph.hpp"
#include "kernels/conv/conv.hpp"
#include "kernels/conv/conv_plans.hpp"
#include "kernels/conv/copy_channels.hpp"
#include "kernels/conv/plan_cache.hpp"
#include "kernels/elementwise/elementwise.hpp"
#include "kernels/machine/tf32.hpp"

#define SCIMIX_CUDNN_CHECK(call) \
  SCIMIX_CHECK_STATUS("cuDNN", call, CUDNN_STATUS_SUCCESS, cudnnGetErrorString)

namespace scimix::cuda {

namespace {

namespace fe = cudnn_frontend;
using Attributes = std::shared_ptr<fe::graph::Tensor_attributes>;

constexpr std::int64_t kUidX = 1;
constexpr std::int64_t kUidW = 2;
constexpr std::int64_t kUidY = 3;

// cuDNN always lists dimensions as N,C,H,W. The strides tell the layout: here NHWC and [K,R,S,C].
Attributes attributes(const char* name, std::int64_t uid, const Shape& shape) {
  return std::make_shared<fe::graph::Tensor_attributes>(
      fe::graph::Tensor_attributes()
          .set_name(name)
          .set_uid(uid)
          .set_dim({shape[0], shape[3], shape[1], shape[2]})
          .set_stride({shape[1] * shape[2] * shape[3], 1, shape[2] * shape[3], shape[3]}));
}

template <class Options>
Options conv_options(const Conv2dGeometry& g) {
  return Options()
      .set_padding({g.pad, g.pad})
      .set_stride({g.stride, g.stride})
      .set_dilation({1, 1});
}

void set_output(const Attributes& output, std::int64_t uid, const Shape& shape) {
  const Attributes like = attributes("output", uid, shape);
  output->set_output(true).set_uid(uid).set_dim(like->get_dim()).set_stride(like->get_stride());
}

// The source of execution plans: cuDNN's handle on a GPU, or the description of a GPU.
struct PlanSource {
  cudnnHandle_t handle = nullptr;
  std::shared_ptr<const fe::DeviceProperties> described = nullptr;
};

// Returns the graph of one convolution with cuDNN's candidate plans, its best guess first, and
// without plans of another precision than the problem's. Returns null if cuDNN has no plan, and
// then copies cuDNN's message to `reason`.
std::unique_ptr<fe::graph::Graph> make_graph(const PlanSource& source, const ConvProblem& problem,
                                             bool deterministic, std::string* reason = nullptr) {
  const Conv2dGeometry& g = problem.geometry;
  auto graph = std::make_unique<fe::graph::Graph>();
  graph
      ->set_io_data_type(problem.dtype == DType::bf16 ? fe::DataType_t::BFLOAT16
                                                      : fe::DataType_t::FLOAT)
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT);
  const auto input = [&](const char* name, std::int64_t uid, const Shape& shape) {
    return graph->tensor(*attributes(name, uid, shape));
  };
  switch (problem.kind) {
    case ConvKind::fprop:
      set_output(graph->conv_fprop(input("x", kUidX, g.x_shape()), input("w", kUidW, g.w_shape()),
                                   conv_options<fe::graph::Conv_fprop_attributes>(g)),
                 kUidY, g.y_shape());
      break;
    case ConvKind::dgrad:
      set_output(graph->conv_dgrad(input("gy", kUidY, g.y_shape()), input("w", kUidW, g.w_shape()),
                                   conv_options<fe::graph::Conv_dgrad_attributes>(g)),
                 kUidX, g.x_shape());
      break;
    case ConvKind::wgrad: {
      const Attributes gw =
          graph->conv_wgrad(input("gy", kUidY, g.y_shape()), input("x", kUidX, g.x_shape()),
                            conv_options<fe::graph::Conv_wgrad_attributes>(g));
      set_output(gw, kUidW, g.w_shape());
      if (problem.wide_gradient) gw->set_data_type(fe::DataType_t::FLOAT);
      break;
    }
  }
  if (source.described != nullptr) graph->set_device_properties(source.described);
  fe::error_t status = graph->validate();
  if (status.is_good()) {
    status = source.described != nullptr ? graph->build_operation_graph()
                                         : graph->build_operation_graph(source.handle);
  }
  if (status.is_good()) {
    // Mode B has engines that mode A leaves out. They are needed if all engines of A are barred
    // below.
    status = graph->create_execution_plans(
        {fe::HeurMode_t::A, fe::HeurMode_t::B, fe::HeurMode_t::FALLBACK});
  }
  if (status.is_bad()) {
    if (reason != nullptr) *reason = status.get_message();
    return nullptr;
  }
  std::vector<fe::NumericalNote_t> barred;
  if (deterministic) barred.push_back(fe::NumericalNote_t::NONDETERMINISTIC);
  if (problem.dtype == DType::f32) {
    // TF32 keeps 10 bits of the mantissa; inputs converted to bf16 would keep only 7.
    barred.push_back(fe::NumericalNote_t::DOWN_CONVERT_INPUTS);
    if (!problem.tf32) barred.push_back(fe::NumericalNote_t::TENSOR_CORE);
  }
  // A gradient that is not rounded at the end should not be rounded in between either.
  if (problem.wide_gradient) barred.push_back(fe::NumericalNote_t::REDUCED_PRECISION_REDUCTION);
  graph->deselect_numeric_notes(barred);
  return graph;
}

class Event {
 public:
  Event() { SCIMIX_CUDA_CHECK(cudaEventCreate(&event_)); }
  ~Event() { static_cast<void>(cudaEventDestroy(event_)); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  [[nodiscard]] cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

// Device addresses of x, w and y.
struct Pointers {
  void* x;
  void* w;
  void* y;
};

cudaStreamCaptureStatus capture_status() {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  SCIMIX_CUDA_CHECK(cudaStreamIsCapturing(current_stream(), &status));
  return status;
}

// Returns the milliseconds that the GPU takes for the work that `work` queues.
template <class F>
float milliseconds_of(F work) {
  const Event start;
  const Event stop;
  SCIMIX_CUDA_CHECK(cudaEventRecord(start.get(), current_stream()));
  work();
  SCIMIX_CUDA_CHECK(cudaEventRecord(stop.get(), current_stream()));
  SCIMIX_CUDA_CHECK(cudaEventSynchronize(stop.get()));
  float milliseconds = 0;
  SCIMIX_CUDA_CHECK(cudaEventElapsedTime(&milliseconds, start.get(), stop.get()));
  return milliseconds;
}

// Returns how many executions (1 to 50) to record in one CUDA graph, so that a replay takes about a
// fifth of a millisecond: starting it takes some microseconds. `milliseconds` is the time of one
// execution with the host's share, so a small kernel's replay may be shorter.
int executions_worth_timing(float milliseconds) {
  constexpr float kLongEnough = 0.2F;
  constexpr float kMost = 50;
  return static_cast<int>(std::ceil(std::clamp(kLongEnough / milliseconds, 1.0F, kMost)));
}

// An execution plan that cannot be executed here.
struct PlanFails {};

// A cuDNN graph and the execution plan that was chosen for it.
class Plan {
 public:
  // Returns null if cuDNN cannot compute the problem. Plans are timed on the given buffers, which
  // overwrites the output several times.
  static std::unique_ptr<Plan> find(cudnnHandle_t handle, const ConvProblem& problem,
                                    const Pointers& pointers, PlanCache& cache) {
    // Plans that give the same bits every time are preferred; others are taken if cuDNN has no such
    // plan.
    for (const bool deterministic : {true, false}) {
      auto plan = std::make_unique<Plan>(handle, problem, deterministic);
      if (plan->choose(handle, pointers, cache)) return plan;
    }
    return nullptr;
  }

  Plan(cudnnHandle_t handle, const ConvProblem& problem, bool deterministic)
      : problem_(problem),
        key_(text(problem, deterministic ? "" : ", not deterministic")),
        deterministic_(deterministic),
        device_{Device::Kind::cuda, problem.device},
        graph_(make_graph({.handle = handle}, problem, deterministic)) {}

  void run(cudnnHandle_t handle, const Pointers& pointers) {
    const Memory workspace = allocate(device_, static_cast<std::size_t>(workspace_bytes_));
    fe::error_t status = execute(handle, chosen_, pointers, workspace.get());
    SCIMIX_CHECK(status.is_good(), "cuDNN error: ", status.get_message(), " (", problem_, ")");
  }

 private:
  fe::error_t execute(cudnnHandle_t handle, std::int64_t index, const Pointers& pointers,
                      void* workspace) {
    addresses_[kUidX] = pointers.x;
    addresses_[kUidW] = pointers.w;
    addresses_[kUidY] = pointers.y;
    return graph_->execute_plan_at_index(handle, addresses_, workspace, index);
  }

  bool choose(cudnnHandle_t handle, const Pointers& pointers, PlanCache& cache) {
    if (graph_ == nullptr) return false;
    if (const auto name = cache.find(key_); name && take(*name)) return true;
    if (capture_status() != cudaStreamCaptureStatusNone) return take_first();
    if (!take_fastest(handle, pointers)) return false;
    cache.store(key_, name_at(chosen_));
    return true;
  }

  [[nodiscard]] std::string name_at(std::int64_t index) const {
    std::string name;
    return graph_->get_plan_name_at_index(index, name).is_good() ? name : "";
  }

  // Building a plan can take a tenth of a second.
  bool build(std::int64_t index) {
    constexpr std::int64_t kMaxWorkspace = std::int64_t{1} << 30;
    if (graph_->build_plan_at_index(index).is_bad()) return false;
    const std::int64_t bytes = graph_->get_workspace_size_plan_at_index(index);
    if (bytes > kMaxWorkspace) return false;
    chosen_ = index;
    workspace_bytes_ = bytes;
    return true;
  }

  // Takes the plan that an earlier run has found.
  bool take(const std::string& name) {
    for (std::int64_t i = 0; i < graph_->get_execution_plan_count(); ++i) {
      if (name_at(i) == name) return build(i);
    }
    return false;
  }

  // Takes cuDNN's own best guess.
  bool take_first() {
    for (std::int64_t i = 0; i < graph_->get_execution_plan_count(); ++i) {
      if (build(i)) return true;
    }
    return false;
  }

  bool take_fastest(cudnnHandle_t handle, const Pointers& pointers) {
    const int candidates = plan_candidates();
    float best = std::numeric_limits<float>::infinity();
    std::int64_t fastest = -1;
    int built = 0;
    for (std::int64_t i = 0; i < graph_->get_execution_plan_count() && built < candidates; ++i) {
      if (!build(i)) continue;
      ++built;
      const float milliseconds = time(handle, i, pointers, workspace_bytes_);
      if (milliseconds >= best) continue;
      best = milliseconds;
      fastest = i;
    }
    if (fastest < 0) return false;
    // A new cuDNN graph with the chosen plan alone releases the kernels of the others.
    const std::string name = name_at(fastest);
    graph_ = make_graph({.handle = handle}, problem_, deterministic_);
    return graph_ != nullptr && take(name);
  }

  // Returns the milliseconds of one execution; infinity for a plan that fails. The host takes
  // longer to start a small convolution than the GPU takes to compute it, so several are recorded
  // as a CUDA graph and started together. Throws if a CUDA call fails, such as the end of the
  // capture.
  float time(cudnnHandle_t handle, std::int64_t index, const Pointers& pointers,
             std::int64_t workspace_bytes) {
    constexpr int kReplays = 3;
    const Memory workspace = allocate(device_, static_cast<std::size_t>(workspace_bytes));
    const auto run = [&] {
      if (execute(handle, index, pointers, workspace.get()).is_bad()) throw PlanFails();
    };
    try {
      run();  // loads the kernels
      const int count = executions_worth_timing(milliseconds_of(run));
      const MemoryArena arena(device_);
      const Graph graph(device_, arena, [&] {
        for (int i = 0; i < count; ++i) run();
        // A plan may do what a capture forbids.
        if (capture_status() != cudaStreamCaptureStatusActive) throw PlanFails();
      });
      graph.replay();
      float best = std::numeric_limits<float>::infinity();
      for (int i = 0; i < kReplays; ++i) {
        best = std::min(best, milliseconds_of([&] { graph.replay(); }));
      }
      return best / static_cast<float>(count);
    } catch (const PlanFails&) {
      return std::numeric_limits<float>::infinity();
    }
  }

  ConvProblem problem_;
  std::string key_;  // of the problem in the cache
  bool deterministic_;
  Device device_;
  std::unique_ptr<fe::graph::Graph> graph_;
  std::unordered_map<std::int64_t, void*> addresses_;
  std::int64_t chosen_ = 0;
  std::int64_t workspace_bytes_ = 0;
};

std::filesystem::path cache_file() {
  int index = 0;
  cudaDeviceProp properties{};
  SCIMIX_CUDA_CHECK(cudaGetDevice(&index));
  SCIMIX_CUDA_CHECK(cudaGetDeviceProperties(&properties, index));
  return plan_cache_file("cudnn", std::to_string(cudnnGetVersion()), properties.name);
}

// The cuDNN library: one handle on our stream, and the plans made so far.
class Library {
 public:
  Library() {
    const cudnnStatus_t status = cudnnCreate(&handle_);
    if (status == CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED ||
        status == CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH) {
      user_error("cuDNN cannot be used: ", cudnnGetErrorString(status),
                 "; install all libraries of one cuDNN 9 and add their folder to LD_LIBRARY_PATH, ",
                 "or say --device cpu");
    }
    SCIMIX_CHECK(status == CUDNN_STATUS_SUCCESS, "cuDNN error: ", cudnnGetErrorString(status),
                 " in cudnnCreate(&handle_)");
    SCIMIX_CUDNN_CHECK(cudnnSetStream(handle_, current_stream()));
  }

  // Returns false if cuDNN has no plan.
  bool run(const ConvProblem& problem, const Pointers& pointers) {
    const std::scoped_lock lock(mutex_);
    auto it = plans_.find(problem);
    if (it == plans_.end()) {
      it = plans_.emplace(problem, Plan::find(handle_, problem, pointers, cache_)).first;
    }
    if (it->second == nullptr) return false;
    count_work(Work::library);
    it->second->run(handle_, pointers);
    return true;
  }

 private:
  std::mutex mutex_;
  cudnnHandle_t handle_ = nullptr;
  PlanCache cache_{cache_file()};
  std::map<ConvProblem, std::unique_ptr<Plan>> plans_;  // null: cuDNN has no plan
};

// Never destroyed, because the CUDA driver may be unloaded before static objects are destroyed.
Library& library() {
  static Library& instance = *std::make_unique<Library>().release();
  return instance;
}

constexpr std::size_t kAlignment = 16;  // of whole_channels

// Replaces a tensor by a copy of a padded shape if it is not padded or not aligned, such as an RGB
// image or a view into a slab.
class Staged {
 public:
  Staged(const Tensor& tensor, const Shape& padded) : tensor_(tensor), staged_(tensor) {
    const bool aligned = reinterpret_cast<std::uintptr_t>(tensor.raw()) % kAlignment == 0;
    if (aligned && padded == tensor.shape()) return;
    staged_ = Tensor::empty(padded, tensor.dtype(), tensor.device());
  }

  // Copies the tensor. Further channels and further kernels become zeros.
  void fill() {
    if (!is_staged()) return;
    const std::int64_t rows = tensor_.dim(0);
    copy_channels(tensor_, staged_.rows(0, rows));
    if (staged_.dim(0) > rows) staged_.rows(rows, staged_.dim(0)).zero_();
  }
  void read_back() {
    if (is_staged()) copy_channels(staged_.rows(0, tensor_.dim(0)), tensor_);
  }
  [[nodiscard]] void* pointer() { return staged_.raw(); }

 private:
  [[nodiscard]] bool is_staged() const { return staged_.raw() != tensor_.raw(); }

  Tensor tensor_;
  Tensor staged_;
};

void convolve(const ConvOperands& operands, const Conv2dGeometry& geometry) {
  const auto& [kind, x, w, y] = operands;
  const ConvProblem problem =
      with_whole_channels({.kind = kind,
                           .dtype = x.dtype(),
                           .tf32 = x.dtype() == DType::f32 && tf32_allowed(),
                           .wide_gradient = w.dtype() != x.dtype(),
                           .device = x.device().index,
                           .geometry = geometry});
  const Conv2dGeometry& g = problem.geometry;
  Staged all[] = {{x, g.x_shape()}, {w, g.w_shape()}, {y, g.y_shape()}};
  const int output = kind == ConvKind::dgrad ? 0 : kind == ConvKind::wgrad ? 1 : 2;
  for (int i = 0; i < 3; ++i) {
    if (i != output) all[i].fill();
  }
  if (library().run(problem, {all[0].pointer(), all[1].pointer(), all[2].pointer()})) {
    all[output].read_back();
    return;
  }
  SCIMIX_CHECK(problem.wide_gradient, "cuDNN has no plan for ", problem);
  Tensor rounded = Tensor::empty(w.shape(), x.dtype(), x.device());
  convolve({kind, x, rounded, y}, geometry);
  convert(rounded, operands.output());
}

}  // namespace

ConvPlans conv_plans(const std::string& device_descriptor, const ConvProblem& problem) {
  const auto described = std::make_shared<fe::DeviceProperties>();
  fe::error_t read = described->deserialize({device_descriptor.begin(), device_descriptor.end()});
  SCIMIX_CHECK(read.is_good(),
               "cuDNN does not understand the GPU's description: ", read.get_message());
  ConvPlans out;
  for (const bool deterministic : {true, false}) {
    const auto graph = make_graph({.described = described}, problem, deterministic, &out.reason);
    if (graph == nullptr) return out;
    out.deterministic = deterministic;
    out.offered = static_cast<int>(graph->get_execution_plan_count());
    for (std::int64_t i = 0; i < graph->get_execution_plan_count(); ++i) {
      std::string name;
      if (graph->get_plan_name_at_index(i, name).is_bad()) continue;
      // cuDNN bars a plan when it is built, so only that shows whether the plan may run.
      fe::error_t built = graph->build_plan_at_index(i);
      if (built.is_bad()) {
        out.reason = built.get_message();
        continue;
      }
      out.first = name;
      return out;
    }
  }
  return out;
}

void conv_fprop(const Tensor& x, const Tensor& w, const Output& y, const Conv2dGeometry& geometry) {
  check_conv2d(geometry, x, w, y);
  count_conv(ConvKind::fprop, geometry);
  if (geometry.n > 0) convolve({ConvKind::fprop, x, w, y}, geometry);
}

void conv_dgrad(const Tensor& gy, const Tensor& w, const Output& gx,
                const Conv2dGeometry& geometry) {
  check_conv2d(geometry, gx, w, gy);
  count_conv(ConvKind::dgrad, geometry);
  if (geometry.n > 0) convolve({ConvKind::dgrad, gx, w, gy}, geometry);
}

void conv_wgrad(const Tensor& gy, const Tensor& x, const Output& gw,
                const Conv2dGeometry& geometry) {
  check_conv2d_wgrad(geometry, x, gw, gy);
  count_conv(ConvKind::wgrad, geometry);
  if (geometry.n == 0) return gw.zero_();
  convolve({ConvKind::wgrad, x, gw, gy}, geometry);
}

}  // namespace scimix::cuda

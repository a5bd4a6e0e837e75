// cuDNN's backend API for graphs of one convolution. Descriptors keep the attributes that they are
// given; executing a plan reads them, and computes the convolution by loops on the strides that the
// graph was given (convolution.hpp).
//
// Every engine has cuDNN's numerical notes, and does what they say: one with TENSOR_CORE rounds f32
// inputs to TF32, one with DOWN_CONVERT_INPUTS to bf16, and one with REDUCED_PRECISION_REDUCTION
// rounds an f32 weight gradient of bf16 images to bf16.
//
// SCIMIX_EMULATED_CUDNN=WORD in the environment gives the library a habit that some release of
// the real one may have:
//   wide-gradients   it also computes f32 weight gradients of bf16 images
//   large-workspace  engine 4, the first that it offers for bf16, wants 2 GiB of workspace
//   breaks-captures  engine 4 makes a capture invalid, and reports success
//   no-plans         it offers engines, but no execution plan can be built
#include <cudnn.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>

#include "emulated/convolution.hpp"
#include "emulated/gpu.hpp"
#include "emulated/numbers.hpp"

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

namespace {

using namespace scimix::emulated;

struct Descriptor;
using Shared = std::shared_ptr<Descriptor>;

struct Attribute {
  std::vector<unsigned char> bytes;
  std::vector<Shared> descriptors;
};

struct Descriptor {
  cudnnBackendDescriptorType_t type;
  std::map<cudnnBackendAttributeName_t, Attribute> attributes;

  template <class T>
  [[nodiscard]] std::vector<T> all(cudnnBackendAttributeName_t name) const {
    const auto found = attributes.find(name);
    if (found == attributes.end()) return {};
    std::vector<T> out(found->second.bytes.size() / sizeof(T));
    std::memcpy(out.data(), found->second.bytes.data(), out.size() * sizeof(T));
    return out;
  }
  template <class T>
  [[nodiscard]] T one(cudnnBackendAttributeName_t name, T otherwise) const {
    const std::vector<T> values = all<T>(name);
    return values.empty() ? otherwise : values.front();
  }
  [[nodiscard]] std::vector<Shared> descriptors(cudnnBackendAttributeName_t name) const {
    const auto found = attributes.find(name);
    return found == attributes.end() ? std::vector<Shared>{} : found->second.descriptors;
  }
  [[nodiscard]] Shared descriptor(cudnnBackendAttributeName_t name) const {
    const std::vector<Shared> some = descriptors(name);
    return some.empty() ? nullptr : some.front();
  }
  template <class T>
  void set(cudnnBackendAttributeName_t name, const std::vector<T>& values) {
    const auto* const first = reinterpret_cast<const unsigned char*>(values.data());
    attributes[name].bytes.assign(first, first + values.size() * sizeof(T));
  }
  void set_descriptors(cudnnBackendAttributeName_t name, std::vector<Shared> values) {
    attributes[name].descriptors = std::move(values);
  }
};

// What a cudnnBackendDescriptor_t points to.
struct Handle {
  Shared state;
};

Handle* handle_of(cudnnBackendDescriptor_t descriptor) {
  return static_cast<Handle*>(descriptor);
}

std::size_t size_of(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
      return 8;
    case CUDNN_TYPE_BOOLEAN:
    case CUDNN_TYPE_CHAR:
      return 1;
    default:
      return 4;
  }
}

cudnnStatus_t enter_cudnn(const char* function) {
  install_signal_handlers();
  if (const int error = injected_error(function)) return static_cast<cudnnStatus_t>(error);
  return sticky_error() == cudaSuccess ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_EXECUTION_FAILED;
}

bool has_habit(std::string_view word) {
  const char* const given = std::getenv("SCIMIX_EMULATED_CUDNN");
  return given != nullptr && given == word;
}

// ---- engines ------------------------------------------------------------------------------------

struct Engine {
  std::int64_t index;
  std::vector<cudnnBackendNumericalNote_t> notes;
  std::int64_t workspace;
};

const std::vector<Engine>& engines() {
  static const std::vector<Engine> all{
      {0, {}, 0},
      {1, {CUDNN_NUMERICAL_NOTE_TENSOR_CORE}, 4096},
      {2, {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS}, 0},
      {3, {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC}, 0},
      {4, {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION}, 0},
  };
  return all;
}

bool has_note(const Engine& engine, cudnnBackendNumericalNote_t note) {
  return std::find(engine.notes.begin(), engine.notes.end(), note) != engine.notes.end();
}

constexpr std::int64_t kFirstForBf16 = 4;

std::int64_t workspace_of(const Engine& engine) {
  const bool large = engine.index == kFirstForBf16 && has_habit("large-workspace");
  return large ? std::int64_t{2} << 30 : engine.workspace;
}

const Engine& engine_of(const Descriptor& engine) {
  const auto index = engine.one<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, 0);
  return engines().at(static_cast<std::size_t>(index));
}

Shared engine_config(const Shared& graph, const Engine& engine) {
  auto described = std::make_shared<Descriptor>();
  described->type = CUDNN_BACKEND_ENGINE_DESCRIPTOR;
  described->set_descriptors(CUDNN_ATTR_ENGINE_OPERATION_GRAPH, {graph});
  described->set<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, {engine.index});
  described->set(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, engine.notes);
  auto config = std::make_shared<Descriptor>();
  config->type = CUDNN_BACKEND_ENGINECFG_DESCRIPTOR;
  config->set_descriptors(CUDNN_ATTR_ENGINECFG_ENGINE, {described});
  config->set<std::int64_t>(CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE, {workspace_of(engine)});
  config->set<std::int32_t>(CUDNN_ATTR_ENGINECFG_SHARED_MEMORY_USED, {0});
  return config;
}

// ---- the convolution of a graph -----------------------------------------------------------------

struct Operands {
  ConvolutionKind kind;
  Shared x, w, y, options;
};

// False for a graph of another kind.
bool operands_of(const Descriptor& graph, Operands& out) {
  const std::vector<Shared> operations = graph.descriptors(CUDNN_ATTR_OPERATIONGRAPH_OPS);
  if (operations.size() != 1) return false;
  const Descriptor& op = *operations.front();
  switch (op.type) {
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
      out = {ConvolutionKind::fprop, op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X),
             op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W),
             op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y),
             op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC)};
      break;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
      out = {ConvolutionKind::dgrad, op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX),
             op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W),
             op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY),
             op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC)};
      break;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
      out = {ConvolutionKind::wgrad, op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X),
             op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW),
             op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY),
             op.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC)};
      break;
    default:
      return false;
  }
  return out.x != nullptr && out.w != nullptr && out.y != nullptr && out.options != nullptr;
}

bool is_bf16(const Descriptor& tensor) {
  return tensor.one<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_FLOAT) ==
         CUDNN_DATA_BFLOAT16;
}

// The engines that cuDNN would offer for a graph, in its heuristics' order.
std::vector<Shared> offers(const Shared& graph, cudnnBackendHeurMode_t mode) {
  Operands operands{};
  if (!operands_of(*graph, operands)) return {};
  const bool narrow = is_bf16(operands.kind == ConvolutionKind::dgrad ? *operands.y : *operands.x);
  // As the library: no engine computes an f32 weight gradient of bf16 images.
  const bool mixed = !is_bf16(*operands.w) || !is_bf16(*operands.x) || !is_bf16(*operands.y);
  if (narrow && mixed && !has_habit("wide-gradients")) return {};
  std::vector<Shared> out;
  for (const std::int64_t index : mode == CUDNN_HEUR_MODE_FALLBACK
                                      ? std::vector<std::int64_t>{0}
                                      : std::vector<std::int64_t>{2, kFirstForBf16, 3, 1}) {
    const Engine& engine = engines()[static_cast<std::size_t>(index)];
    if (narrow && has_note(engine, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS)) continue;
    out.push_back(engine_config(graph, engine));
  }
  return out;
}

StridedTensor strided(const Descriptor& tensor, void* data) {
  const auto dims = tensor.all<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
  const auto strides = tensor.all<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES);
  StridedTensor out{};
  out.data = data;
  out.is_bf16 = is_bf16(tensor);
  for (std::size_t i = 0; i < 4 && i < dims.size() && i < strides.size(); ++i) {
    out.size[i] = dims[i];
    out.stride[i] = strides[i];
  }
  return out;
}

// Rounds the values, as an engine does that keeps its sums in bf16.
void round_to_bf16(const StridedTensor& t) {
  for (std::int64_t n = 0; n < t.size[0]; ++n) {
    for (std::int64_t c = 0; c < t.size[1]; ++c) {
      for (std::int64_t h = 0; h < t.size[2]; ++h) {
        for (std::int64_t w = 0; w < t.size[3]; ++w) {
          const std::int64_t at =
              n * t.stride[0] + c * t.stride[1] + h * t.stride[2] + w * t.stride[3];
          write_element(t.data, t.is_bf16, at,
                        from_bf16(to_bf16(read_element(t.data, t.is_bf16, at))));
        }
      }
    }
  }
}

// Null, or what is wrong with a tensor's address.
const char* address_fault(const Descriptor& tensor, const StridedTensor& view) {
  if (view.data == nullptr) return "has no address in the variant pack";
  const auto alignment = tensor.one<std::int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 16);
  if (reinterpret_cast<std::uintptr_t>(view.data) % static_cast<std::uintptr_t>(alignment) != 0) {
    return "is not aligned as its descriptor says";
  }
  std::int64_t last = 0;
  for (int i = 0; i < 4; ++i) last += (view.size[i] - 1) * view.stride[i];
  const auto bytes = static_cast<std::size_t>(last + 1) * (view.is_bf16 ? 2 : 4);
  return is_device_range(view.data, bytes) ? nullptr : "does not lie inside one block of memory";
}

}  // namespace

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  const Lock lock(gpu_mutex());
  if (const auto status = enter_cudnn("cudnnCreate")) return status;
  *handle = std::make_unique<cudnnContext>().release();
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  const std::unique_ptr<cudnnContext> owner(handle);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  const Lock lock(gpu_mutex());
  if (const auto status = enter_cudnn("cudnnSetStream")) return status;
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t* stream) {
  *stream = handle->stream;
  return CUDNN_STATUS_SUCCESS;
}

size_t cudnnGetVersion() {
  return CUDNN_VERSION;
}

const char* cudnnGetErrorString(cudnnStatus_t status) {
  static thread_local std::string text;
  text = "status " + std::to_string(static_cast<int>(status));
  return text.c_str();
}

void cudnnGetLastErrorString(char* message, size_t size) {
  if (size > 0) *message = '\0';
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t* descriptor) {
  const Lock lock(gpu_mutex());
  if (const auto status = enter_cudnn("cudnnBackendCreateDescriptor")) return status;
  auto handle = std::make_unique<Handle>();
  handle->state = std::make_shared<Descriptor>();
  handle->state->type = type;
  *descriptor = handle.release();
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  const std::unique_ptr<Handle> owner(handle_of(descriptor));
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t count,
                                       const void* elements) {
  const Lock lock(gpu_mutex());
  if (const auto status = enter_cudnn("cudnnBackendSetAttribute")) return status;
  Attribute& attribute = handle_of(descriptor)->state->attributes[name];
  attribute = {};
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
    const auto* const handles = static_cast<const cudnnBackendDescriptor_t*>(elements);
    for (std::int64_t i = 0; i < count; ++i) {
      attribute.descriptors.push_back(handle_of(handles[i])->state);
    }
    return CUDNN_STATUS_SUCCESS;
  }
  const auto* const bytes = static_cast<const unsigned char*>(elements);
  attribute.bytes.assign(bytes, bytes + static_cast<std::size_t>(count) * size_of(type));
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  const Lock lock(gpu_mutex());
  if (const auto status = enter_cudnn("cudnnBackendFinalize")) return status;
  Descriptor& state = *handle_of(descriptor)->state;
  if (state.type == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR) {
    state.set_descriptors(CUDNN_ATTR_ENGINEHEUR_RESULTS,
                          offers(state.descriptor(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH),
                                 state.one(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_HEUR_MODE_A)));
  } else if (state.type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) {
    const Shared config = state.descriptor(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    if (config == nullptr) return CUDNN_STATUS_BAD_PARAM;
    if (has_habit("no-plans")) return CUDNN_STATUS_NOT_SUPPORTED;
    state.set<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                            {config->one<std::int64_t>(CUDNN_ATTR_ENGINECFG_WORKSPACE_SIZE, 0)});
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, int64_t requested,
                                       int64_t* count, void* elements) {
  const Lock lock(gpu_mutex());
  if (const auto status = enter_cudnn("cudnnBackendGetAttribute")) return status;
  const Descriptor& state = *handle_of(descriptor)->state;
  const auto found = state.attributes.find(name);
  const Attribute none;
  const Attribute& attribute = found == state.attributes.end() ? none : found->second;
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
    const auto& some = attribute.descriptors;
    std::int64_t given = std::ssize(some);
    if (elements != nullptr) {
      given = std::min(given, requested);
      auto* const handles = static_cast<cudnnBackendDescriptor_t*>(elements);
      for (std::int64_t i = 0; i < given; ++i) {
        handle_of(handles[i])->state = some[static_cast<std::size_t>(i)];
      }
    }
    if (count != nullptr) *count = given;
    return CUDNN_STATUS_SUCCESS;
  }
  auto given = static_cast<std::int64_t>(attribute.bytes.size() / size_of(type));
  if (elements != nullptr) {
    given = std::min(given, requested);
    std::memcpy(elements, attribute.bytes.data(), static_cast<std::size_t>(given) * size_of(type));
  }
  if (count != nullptr) *count = given;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack) {
  const Lock lock(gpu_mutex());
  if (const auto status = enter_cudnn("cudnnBackendExecute")) return status;
  const Shared config = handle_of(plan)->state->descriptor(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
  const Shared engine = config->descriptor(CUDNN_ATTR_ENGINECFG_ENGINE);
  const Shared graph = engine->descriptor(CUDNN_ATTR_ENGINE_OPERATION_GRAPH);
  Operands operands{};
  if (!operands_of(*graph, operands)) return CUDNN_STATUS_NOT_SUPPORTED;

  const Descriptor& variant = *handle_of(pack)->state;
  const auto ids = variant.all<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto pointers = variant.all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  const auto address = [&](const Descriptor& tensor) -> void* {
    const auto id = tensor.one<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID, 0);
    const auto at = std::find(ids.begin(), ids.end(), id);
    return at == ids.end() ? nullptr : pointers[static_cast<std::size_t>(at - ids.begin())];
  };
  Convolution work{};
  work.kind = operands.kind;
  StridedTensor* const views[] = {&work.x, &work.w, &work.y};
  const Shared tensors[] = {operands.x, operands.w, operands.y};
  for (int i = 0; i < 3; ++i) {
    *views[i] = strided(*tensors[i], address(*tensors[i]));
    if (const char* const wrong = address_fault(*tensors[i], *views[i])) {
      report_fault(cudaErrorIllegalAddress,
                   std::string("cuDNN: tensor ") + "xwy"[i] + " of a convolution " + wrong);
      return CUDNN_STATUS_BAD_PARAM;
    }
  }
  const auto pads = operands.options->all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
  const auto steps = operands.options->all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
  const auto dilations = operands.options->all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS);
  if (pads.size() != 2 || steps.size() != 2 ||
      std::any_of(dilations.begin(), dilations.end(), [](std::int64_t d) { return d != 1; })) {
    return CUDNN_STATUS_NOT_SUPPORTED;
  }
  std::copy_n(pads.begin(), 2, work.pad);
  std::copy_n(steps.begin(), 2, work.step);
  const Engine& does = engine_of(*engine);
  work.rounding = has_note(does, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS) ? Rounding::bf16
                  : has_note(does, CUDNN_NUMERICAL_NOTE_TENSOR_CORE)       ? Rounding::tf32
                                                                           : Rounding::none;
  void* const workspace = variant.one<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, nullptr);
  const auto room = static_cast<std::size_t>(workspace_of(does));
  if (room > 0 && !is_device_range(workspace, room)) {
    report_fault(cudaErrorIllegalAddress, "cuDNN: the workspace is smaller than the plan's");
    return CUDNN_STATUS_BAD_PARAM;
  }
  if (const char* const wrong = work.check()) {
    report_fault(cudaErrorInvalidValue, std::string("cuDNN: ") + wrong);
    return CUDNN_STATUS_BAD_PARAM;
  }
  // Only weight gradients come in a wider type than their inputs.
  const bool rounds_sums = has_note(does, CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION) &&
                           work.x.is_bf16 && !work.w.is_bf16;
  const bool waits = does.index == kFirstForBf16 && has_habit("breaks-captures");
  if (waits) static_cast<void>(cudaStreamSynchronize(handle->stream));
  const auto error = enqueue_simple(handle->stream, "a convolution of cuDNN", [=] {
    const DeviceAccess access;
    if (room > 0) std::memset(workspace, 0x7F, room);
    work.run();
    if (rounds_sums) round_to_bf16(work.w);
  });
  return error == cudaSuccess || waits ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_EXECUTION_FAILED;
}

// Activations are NHWC and weights KRSC, as everywhere. oneDNN chooses the layouts that it computes
// in. Tensors with another layout are reordered before and after, which costs little compared with
// the convolution. A primitive is made once for each kind, element type and geometry.
#include "kernels/conv/conv_onednn.hpp"

#include <oneapi/dnnl/dnnl_debug.h>

#include <map>
#include <memory>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <tuple>
#include <vector>

#include "kernels/elementwise/elementwise.hpp"

namespace scimix::cpu::onednn {

namespace {

using dnnl::algorithm;
using dnnl::memory;

memory::data_type type_of(DType dtype) {
  return dtype == DType::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
}

// A primitive with its arguments. It can run repeatedly without allocating.
class Call {
 public:
  Call() = default;
  Call(dnnl::primitive primitive, const std::vector<std::pair<int, memory>>& arguments)
      : primitive_(std::move(primitive)) {
    for (const auto& [role, operand] : arguments) arguments_.push_back({role, operand.get()});
  }
  [[nodiscard]] bool defined() const { return static_cast<bool>(primitive_); }
  void run(const dnnl::stream& stream) const {
    SCIMIX_CHECK_STATUS(
        "oneDNN",
        dnnl_primitive_execute(primitive_.get(), stream.get(), static_cast<int>(arguments_.size()),
                               arguments_.data()),
        dnnl_success, dnnl_status2str);
  }

 private:
  dnnl::primitive primitive_;
  std::vector<dnnl_exec_arg_t> arguments_;
};

// Returns the index of the operand that is written: 0 for x, 1 for w, 2 for y.
std::size_t output_of(ConvKind kind) {
  return kind == ConvKind::dgrad ? 0 : kind == ConvKind::wgrad ? 1 : 2;
}

// The layouts of x, w and y.
struct Layouts {
  memory::desc x;
  memory::desc w;
  memory::desc y;
};

// The element types of images and of kernels. A weight gradient can be f32 while images are bf16.
struct Types {
  DType images;
  DType kernels;
  friend auto operator<=>(const Types&, const Types&) = default;
};

Layouts layouts(const Conv2dGeometry& g, const Types& types, memory::format_tag images,
                memory::format_tag kernels) {
  const memory::data_type type = type_of(types.images);
  return {memory::desc({g.n, g.c, g.h, g.w}, type, images),
          memory::desc({g.k, g.c, g.r, g.s}, type_of(types.kernels), kernels),
          memory::desc({g.n, g.k, g.p, g.q}, type, images)};
}

Layouts our_layouts(const Conv2dGeometry& g, const Types& types) {
  return layouts(g, types, memory::format_tag::nhwc, memory::format_tag::ohwi);
}

// A primitive, with the layouts and the scratchpad that it needs.
struct Convolution {
  dnnl::primitive primitive;
  Layouts layouts;
  memory::desc scratchpad;
};

// oneDNN 3 dropped the "operation descriptors" that 2 builds its primitives from.
template <class Primitive, class... Hint>
typename Primitive::primitive_desc describe(const dnnl::engine& engine, algorithm method,
                                            const Layouts& l, const memory::dims& strides,
                                            const memory::dims& pads,
                                            const dnnl::primitive_attr& attributes,
                                            const Hint&... hint) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine, method, l.x, l.w, l.y, strides, pads, pads, hint..., attributes};
#else
  const typename Primitive::desc operation(method, l.x, l.w, l.y, strides, pads, pads);
  return {operation, attributes, engine, hint...};
#endif
}
dnnl::convolution_forward::primitive_desc describe_forward(const dnnl::engine& engine,
                                                           algorithm method, const Layouts& l,
                                                           const memory::dims& strides,
                                                           const memory::dims& pads,
                                                           const dnnl::primitive_attr& attributes) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine,    dnnl::prop_kind::forward_training, method, l.x, l.w, l.y, strides, pads, pads,
          attributes};
#else
  const dnnl::convolution_forward::desc operation(dnnl::prop_kind::forward_training, method, l.x,
                                                  l.w, l.y, strides, pads, pads);
  return {operation, attributes, engine};
#endif
}

// Throws dnnl::error if oneDNN lacks this combination on this processor.
Convolution make_convolution(const dnnl::engine& engine, ConvKind kind, const Conv2dGeometry& g,
                             algorithm method, const Layouts& wanted, const Layouts& any) {
  const memory::dims strides{g.stride, g.stride};
  const memory::dims pads{g.pad, g.pad};
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (kind == ConvKind::fprop) {
    const auto d = describe_forward(engine, method, wanted, strides, pads, attributes);
    return {dnnl::convolution_forward(d),
            {d.src_desc(), d.weights_desc(), d.dst_desc()},
            d.scratchpad_desc()};
  }
  const auto forward = describe_forward(engine, method, any, strides, pads, attributes);
  if (kind == ConvKind::dgrad) {
    using Primitive = dnnl::convolution_backward_data;
    const auto d = describe<Primitive>(engine, method, wanted, strides, pads, attributes, forward);
    return {Primitive(d),
            {d.diff_src_desc(), d.weights_desc(), d.diff_dst_desc()},
            d.scratchpad_desc()};
  }
  using Primitive = dnnl::convolution_backward_weights;
  const auto d = describe<Primitive>(engine, method, wanted, strides, pads, attributes, forward);
  return {
      Primitive(d), {d.src_desc(), d.diff_weights_desc(), d.diff_dst_desc()}, d.scratchpad_desc()};
}

Convolution choose_convolution(const dnnl::engine& engine, ConvKind kind, const Conv2dGeometry& g,
                               const Types& types) {
  // The layouts of the forward pass, whose images and kernels have one type.
  const Layouts any =
      layouts(g, {types.images, types.images}, memory::format_tag::any, memory::format_tag::any);
  // Images stay as they are. Weights are small and may have the layout that oneDNN prefers.
  Layouts wanted = our_layouts(g, types);
  wanted.w = layouts(g, types, memory::format_tag::any, memory::format_tag::any).w;
  return make_convolution(engine, kind, g, algorithm::convolution_direct, wanted, any);
}

// One tensor of a convolution, in our layout and in oneDNN's.
class Operand {
 public:
  Operand(const dnnl::engine& engine, const memory::desc& ours, const memory::desc& theirs,
          bool is_output)
      : ours_(ours, engine, nullptr), theirs_(ours_) {
    if (theirs == ours) return;
    theirs_ = memory(theirs, engine, nullptr);
    staging_bytes_ = theirs.get_size();
    const memory& from = is_output ? theirs_ : ours_;
    const memory& to = is_output ? ours_ : theirs_;
    reorder_ = Call(dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
  }

  [[nodiscard]] const memory& theirs() const { return theirs_; }
  [[nodiscard]] std::size_t staging_bytes() const { return staging_bytes_; }

  void bind(Tensor& tensor, std::byte* staging) {
    ours_.set_data_handle(tensor.raw());
    if (staging_bytes_ > 0) theirs_.set_data_handle(staging);
  }
  void reorder(const dnnl::stream& stream) const {
    if (staging_bytes_ > 0) reorder_.run(stream);
  }

 private:
  memory ours_;
  memory theirs_;
  std::size_t staging_bytes_ = 0;  // 0 if the layouts agree
  Call reorder_;
};

// Everything that one convolution needs except its tensors.
class Plan {
 public:
  Plan(const dnnl::engine& engine, ConvKind kind, const Conv2dGeometry& g, const Types& types)
      : Plan(engine, kind, our_layouts(g, types), choose_convolution(engine, kind, g, types)) {}

  void run(const dnnl::stream& stream, const ConvOperands& operands) {
    const Memory workspace = allocate(kCpu, workspace_bytes());
    std::byte* next = workspace.get();
    Tensor tensors[] = {operands.x, operands.w, operands.y};
    for (std::size_t i = 0; i < 3; ++i) {
      operands_[i].bind(tensors[i], next);
      next += aligned(operands_[i].staging_bytes());
    }
    scratchpad_.set_data_handle(next);
    for (std::size_t i = 0; i < 3; ++i) {
      if (i != output_) operands_[i].reorder(stream);
    }
    convolution_.run(stream);
    operands_[output_].reorder(stream);
  }

 private:
  Plan(const dnnl::engine& engine, ConvKind kind, const Layouts& ours, const Convolution& chosen)
      : output_(output_of(kind)), scratchpad_(chosen.scratchpad, engine, nullptr) {
    operands_.emplace_back(engine, ours.x, chosen.layouts.x, output_ == 0);
    operands_.emplace_back(engine, ours.w, chosen.layouts.w, output_ == 1);
    operands_.emplace_back(engine, ours.y, chosen.layouts.y, output_ == 2);
    convolution_ =
        Call(chosen.primitive,
             {{output_ == 0 ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, operands_[0].theirs()},
              {output_ == 1 ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, operands_[1].theirs()},
              {output_ == 2 ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, operands_[2].theirs()},
              {DNNL_ARG_SCRATCHPAD, scratchpad_}});
  }

  static std::size_t aligned(std::size_t bytes) { return (bytes + 4095) / 4096 * 4096; }

  [[nodiscard]] std::size_t workspace_bytes() const {
    std::size_t bytes = scratchpad_.get_desc().get_size();
    for (const Operand& operand : operands_) bytes += aligned(operand.staging_bytes());
    return bytes;
  }

  std::size_t output_;
  memory scratchpad_;
  std::vector<Operand> operands_;  // x, w, y
  Call convolution_;
};

// The oneDNN library: one engine, one stream, and the execution plans made so far.
class Library {
 public:
  void run(const ConvOperands& operands, const Conv2dGeometry& g) {
    const std::scoped_lock lock(mutex_);
    try {
      plan(operands.kind, {operands.x.dtype(), operands.w.dtype()}, g).run(stream_, operands);
    } catch (const dnnl::error& error) {
      SCIMIX_CHECK(false, "oneDNN error: ", error.what(), " (convolution of ",
                   name_of(operands.x.dtype()), ", ", g, ")");
    }
  }

  [[nodiscard]] std::size_t size() {
    const std::scoped_lock lock(mutex_);
    return plans_.size();
  }

  // Returns whether oneDNN has bf16 on this processor; oneDNN 2 needs AVX-512. Trying one
  // convolution is enough to know.
  [[nodiscard]] bool has_bf16() {
    static const bool answer = [this] {
      const Conv2dGeometry g{
          .n = 1, .h = 1, .w = 1, .c = 16, .k = 16, .r = 1, .s = 1, .p = 1, .q = 1};
      try {
        static_cast<void>(
            choose_convolution(engine_, ConvKind::fprop, g, {DType::bf16, DType::bf16}));
        return true;
      } catch (const dnnl::error&) {
        return false;
      }
    }();
    return answer;
  }

 private:
  using Key = std::tuple<ConvKind, Types, Conv2dGeometry>;

  Plan& plan(ConvKind kind, const Types& types, const Conv2dGeometry& g) {
    const Key key{kind, types, g};
    auto it = plans_.find(key);
    if (it == plans_.end()) {
      it = plans_.emplace(key, std::make_unique<Plan>(engine_, kind, g, types)).first;
    }
    return *it->second;
  }

  std::mutex mutex_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  std::map<Key, std::unique_ptr<Plan>> plans_;
};

Library& library() {
  static Library instance;
  return instance;
}

void convolve_in_f32(const ConvOperands& operands, const Conv2dGeometry& g) {
  const InsideLibrary one_call;
  const Tensor tensors[] = {operands.x, operands.w, operands.y};
  const std::size_t output = output_of(operands.kind);
  Tensor copies[3];
  for (std::size_t i = 0; i < 3; ++i) {
    copies[i] = Tensor::empty(tensors[i].shape(), DType::f32);
    if (i != output) convert(tensors[i], copies[i]);
  }
  library().run({operands.kind, copies[0], copies[1], copies[2]}, g);
  convert(copies[output], operands.output());
}

}  // namespace

void convolve(const ConvOperands& operands, const Conv2dGeometry& geometry) {
  if (operands.x.dtype() == DType::bf16 && !library().has_bf16()) {
    return convolve_in_f32(operands, geometry);
  }
  library().run(operands, geometry);
}

bool has_amx() {
  static const bool answer = [] {
    const auto bits = [](dnnl::cpu_isa isa) { return static_cast<unsigned>(isa); };
    const unsigned amx = bits(dnnl::cpu_isa::avx512_core_amx);
    return (bits(dnnl::get_effective_cpu_isa()) & amx) == amx;
  }();
  return answer;
}

std::size_t primitive_count() {
  return library().size();
}

}  // namespace scimix::cpu::onednn

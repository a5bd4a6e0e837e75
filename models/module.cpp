#include "models/module.hpp"

#include <algorithm>

#include "autograd/ops.hpp"
#include "kernels/elementwise/elementwise.hpp"

namespace scimix {

namespace {

// Returns the FNV-1a hash of a name, 32 bits, which selects the random stream of a parameter.
std::uint32_t stream_of(std::string_view name) {
  std::uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

}  // namespace

Init constant(double value) {
  return [value](Random&) { return value; };
}

Init gaussian(double stddev) {
  return [stddev](Random& random) { return stddev * normal(random); };
}

Variable Parameter::operator()() const {
  return *state_->frozen > 0 ? state_->variable.detach() : state_->variable;
}

Variable Parameter::in(DType dtype) const {
  const Variable value = (*this)();
  if (value.dtype() == dtype) return value;
  const Tensor& copy = state_->copy;
  if (!copy.defined() || copy.dtype() != dtype) return cast(value, dtype);
  return *state_->frozen > 0 ? Variable(copy) : state_->variable.by_copy(copy);
}

ParameterStore::ParameterStore(std::uint64_t seed, DType dtype) : seed_(seed), dtype_(dtype) {}

Parameter ParameterStore::add(const std::string& name, const Shape& shape, const Init& init,
                              bool decay) {
  SCIMIX_CHECK(!parameters_.flat().defined(), name, ": added after place()");
  SCIMIX_CHECK(std::none_of(entries_.begin(), entries_.end(),
                            [&](const Entry& entry) { return entry.name == name; }),
               name, ": registered twice");
  Random random(seed_, Purpose::init, 0, stream_of(name));
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  for (double& value : values) value = init(random);
  auto state = std::make_shared<Parameter::State>(
      Parameter::State{Variable(Tensor::from(values, shape, dtype_), true), Tensor(), frozen_});
  entries_.push_back({name, state, decay});
  return Parameter(std::move(state));
}

std::shared_ptr<Tensor> ParameterStore::add_buffer(const std::string& name, const Shape& shape,
                                                   double value) {
  const std::vector<double> values(static_cast<std::size_t>(shape.numel()), value);
  auto tensor = std::make_shared<Tensor>(Tensor::from(values, shape, dtype_));
  buffers_.push_back({name, tensor});
  return tensor;
}

void ParameterStore::place(Device device) {
  SCIMIX_CHECK(!parameters_.flat().defined(), "place() called twice");
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.decay && !b.decay; });
  for (const Entry& entry : entries_) {
    layout_.append(entry.name, entry.state->variable.shape());
    if (entry.decay) decayed_count_ = layout_.numel();
  }
  const MemoryLabel label("parameters");
  parameters_ = Slab(layout_, dtype_, device);
  gradients_ = Slab(layout_, dtype_, device);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    Variable& variable = entries_[i].state->variable;
    const SlabLayout::Entry& entry = layout_.entries()[i];
    Tensor view = parameters_.view(entry);
    view.copy_(variable.value().to(device));
    variable.rebind(view);
    variable.bind_grad(gradients_.view(entry));
  }
  for (const Buffer& buffer : buffers_) *buffer.value = buffer.value->to(device);
}

void ParameterStore::keep_copies(DType dtype) const {
  SCIMIX_CHECK(parameters_.flat().defined(), "keep_copies() called before place()");
  if (dtype == dtype_) return;
  // Existing copies keep their addresses, since recorded graphs may read them.
  const bool kept = copies_->flat().defined() && copies_->flat().dtype() == dtype;
  if (kept) return refresh_copies();
  const MemoryLabel label("rounded parameters");
  *copies_ = Slab(layout_, dtype, parameters_.flat().device());
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    entries_[i].state->copy = copies_->view(layout_.entries()[i]);
  }
  refresh_copies();
}

void ParameterStore::refresh_copies() const {
  if (copies_->flat().defined()) convert(parameters_.flat(), copies_->flat());
}

void ParameterStore::Named::change(const std::function<void(Tensor& value)>& write) {
  write(value_);
  if (rounded_.defined()) convert(value_, rounded_);
}

std::vector<ParameterStore::Named> ParameterStore::views(const Slab& slab) const {
  std::vector<Named> out;
  for (const SlabLayout::Entry& entry : layout_.entries()) {
    out.push_back({entry.name, slab.view(entry)});
  }
  return out;
}

std::vector<ParameterStore::Named> ParameterStore::parameters() const {
  std::vector<Named> out;
  for (std::size_t i = 0; i < layout_.entries().size(); ++i) {
    const SlabLayout::Entry& entry = layout_.entries()[i];
    out.emplace_back(entry.name, parameters_.view(entry), entries_[i].state->copy);
  }
  return out;
}
std::vector<ParameterStore::Named> ParameterStore::gradients() const {
  return views(gradients_);
}

std::vector<ParameterStore::Named> ParameterStore::buffers() const {
  std::vector<Named> out;
  for (const Buffer& buffer : buffers_) out.push_back({buffer.name, *buffer.value});
  return out;
}

ParameterStore::UpdatedSlabs ParameterStore::updated_slabs() {
  UpdatedSlabs slabs{.parameters = parameters_.flat(), .rounded = {}};
  if (copies_->flat().defined()) slabs.rounded = copies_->flat();
  return slabs;
}

std::int64_t ParameterStore::parameter_count() const {
  std::int64_t count = 0;
  for (const Entry& entry : entries_) count += entry.state->variable.shape().numel();
  return count;
}

void ParameterStore::zero_grad() {
  gradients_.flat().zero_();
}

void ParameterStore::copy_parameters_from(const ParameterStore& other) {
  parameters_.flat().copy_(other.parameters_.flat());
  refresh_copies();
}

void ParameterStore::copy_buffers_from(const ParameterStore& other) {
  SCIMIX_CHECK(buffers_.size() == other.buffers_.size(), buffers_.size(), " buffers from ",
               other.buffers_.size());
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    buffers_[i].value->copy_(*other.buffers_[i].value);
  }
}

}  // namespace scimix

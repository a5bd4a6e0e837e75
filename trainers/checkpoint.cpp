#include "trainers/checkpoint.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "core/safetensors.hpp"
#include "kernels/elementwise/elementwise.hpp"

namespace scimix {

namespace {

// The first format of a generator's checkpoint, in which the columns of epilogue.fc.weight have the
// same order as in memory.
constexpr std::string_view kFirstGenerator = "scimix-generator-1";

// Returns whether the tensor is the weight of the critic's epilogue, or a moment of it: a matrix
// [C,h*w*C] whose columns read a flattened feature map.
bool reads_flattened_image(const ParameterStore::Named& tensor) {
  return tensor.value().rank() == 2 && tensor.name.ends_with("epilogue.fc.weight") &&
         tensor.value().shape()[1] % tensor.value().shape()[0] == 0;
}

// Returns the shape [K,R,S,C] of a tensor that the file stores as [K,C,R,S], or nothing if the file
// has the elements in the order of memory.
std::optional<Shape> permuted_shape(const ParameterStore::Named& tensor,
                                    bool first_generator = false) {
  const Shape& shape = tensor.value().shape();
  if (shape.rank() == 4) return shape;
  if (first_generator || !reads_flattened_image(tensor)) return std::nullopt;
  return Shape{shape[0], shape[1] / shape[0], 1, shape[0]};
}

// Returns the shape that a tensor of shape `shape` has in the file.
Shape file_shape(const Shape& shape) {
  if (shape.rank() != 4) return shape;
  return {shape[0], shape[3], shape[1], shape[2]};
}

enum class Direction { to_file, to_memory };
// Converts the elements between [K,R,S,C] (memory) and [K,C,R,S] (file).
std::vector<std::byte> permute_kernel(std::span<const std::byte> source, const Shape& krsc,
                                      std::size_t element, Direction direction) {
  std::vector<std::byte> target(source.size());
  const std::int64_t taps = krsc[1] * krsc[2];
  const std::int64_t channels = krsc[3];
  for (std::int64_t k = 0; k < krsc[0]; ++k) {
    for (std::int64_t t = 0; t < taps; ++t) {
      for (std::int64_t c = 0; c < channels; ++c) {
        const auto memory = static_cast<std::size_t>((k * taps + t) * channels + c) * element;
        const auto file = static_cast<std::size_t>((k * channels + c) * taps + t) * element;
        const bool save = direction == Direction::to_file;
        std::memcpy(&target[save ? file : memory], &source[save ? memory : file], element);
      }
    }
  }
  return target;
}

std::vector<std::byte> host_bytes(const ParameterStore::Named& tensor) {
  const Tensor& value = tensor.value();
  std::vector<std::byte> bytes(value.bytes());
  copy_to_host(bytes.data(), value.device(), value.raw(), bytes.size());
  const std::optional<Shape> shape = permuted_shape(tensor);
  if (!shape) return bytes;
  return permute_kernel(bytes, *shape, size_of(value.dtype()), Direction::to_file);
}

Shape shape_of(const TensorEntry& entry) {
  return entry.shape.size() > Shape::kMaxRank ? Shape() : Shape(std::span(entry.shape));
}

void check_entry(const SafetensorsFile& file, const ParameterStore::Named& tensor) {
  const std::string where = file.path().string();
  const TensorEntry* entry = file.find(tensor.name);
  const Shape expected = file_shape(tensor.value().shape());
  if (entry == nullptr) {
    user_error(where, ": no tensor ", tensor.name, ", expected one of shape ", expected);
  }
  if (entry->shape.size() != static_cast<std::size_t>(expected.rank()) ||
      shape_of(*entry) != expected) {
    user_error(where, ": ", tensor.name, " has shape ", shape_of(*entry), ", expected ", expected);
  }
  if (entry->dtype != safetensors_dtype(tensor.value().dtype())) {
    user_error(where, ": ", tensor.name, " is ", entry->dtype, ", expected ",
               safetensors_dtype(tensor.value().dtype()));
  }
}

}  // namespace

void append(CheckpointTensors& all, const std::string& prefix, CheckpointTensors part) {
  for (ParameterStore::Named& tensor : part) {
    tensor.name.insert(0, prefix);
    all.push_back(std::move(tensor));
  }
}

void convert_tensors(const CheckpointTensors& from, CheckpointTensors to) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[i].change([&](Tensor& value) {
      Tensor converted = Tensor::empty(value.shape(), value.dtype(), from[i].value().device());
      convert(from[i].value(), converted);
      value.copy_(converted.to(value.device()));
    });
  }
}

void save_checkpoint(const std::filesystem::path& path, const CheckpointTensors& tensors,
                     const CheckpointMetadata& metadata) {
  std::vector<std::vector<std::byte>> storage;
  std::vector<TensorEntry> entries;
  storage.reserve(tensors.size());
  for (const ParameterStore::Named& tensor : tensors) {
    storage.push_back(host_bytes(tensor));
    const Shape shape = file_shape(tensor.value().shape());
    entries.push_back({.name = tensor.name,
                       .dtype = std::string(safetensors_dtype(tensor.value().dtype())),
                       .shape = {shape.dims().begin(), shape.dims().end()},
                       .bytes = storage.back()});
  }
  write_safetensors(path, entries, metadata);
}

std::string first_not_finite(const CheckpointTensors& tensors) {
  for (const ParameterStore::Named& tensor : tensors) {
    const std::vector<double> elements = tensor.value().to_doubles();
    const bool finite = std::all_of(elements.begin(), elements.end(),
                                    [](double element) { return std::isfinite(element); });
    if (!finite) return tensor.name;
  }
  return "";
}

CheckpointMetadata read_checkpoint_metadata(const std::filesystem::path& path) {
  return SafetensorsFile(path).metadata();
}

void check_format(const std::filesystem::path& path, const CheckpointMetadata& metadata,
                  std::string_view format, std::string_view command) {
  const std::string found = value_of(metadata, "format");
  const bool earlier = format == "scimix-generator-2" && found == kFirstGenerator;
  if (found == format || earlier) return;
  if (found.empty()) {
    user_error(
        shown(path),
        ": format \"\": has no metadata of a checkpoint; if another library has saved the ",
        "file, `scimix_eval restore FILE --like CHECKPOINT` copies the metadata from another ",
        "checkpoint of the run");
  }
  user_error(shown(path), ": format \"", found, "\", expected \"", format,
             "\": a checkpoint of scimix_train ", command);
}

std::string digits_of(double value) {
  std::array<char, 32> text{};
  const auto [end, fault] = std::to_chars(text.data(), text.data() + text.size(), value);
  SCIMIX_CHECK(fault == std::errc(), "a number of more than 32 characters");
  return {text.data(), end};
}

std::string value_of(const CheckpointMetadata& metadata, const std::string& key) {
  const auto it = metadata.find(key);
  return it == metadata.end() ? std::string() : it->second;
}

std::int64_t step_of(const CheckpointMetadata& metadata, const std::filesystem::path& path,
                     std::int64_t steps) {
  const auto step = number_of<std::int64_t>(metadata, "step", path);
  if (step < 0 || step > steps) {
    user_error(path.string(), ": step ", step, ", expected 0 to ", steps);
  }
  return step;
}

DType saved_type(const std::filesystem::path& path, std::string_view prefix) {
  const SafetensorsFile file(path);
  const auto first =
      std::find_if(file.entries().begin(), file.entries().end(),
                   [&](const TensorEntry& entry) { return entry.name.starts_with(prefix); });
  const bool wide = first != file.entries().end() && first->dtype == safetensors_dtype(DType::f64);
  return wide ? DType::f64 : DType::f32;
}

void load_checkpoint(const std::filesystem::path& path, CheckpointTensors tensors,
                     const std::string& prefix, const CheckpointTensors& left_out) {
  const SafetensorsFile file(path);
  for (const ParameterStore::Named& tensor : tensors) check_entry(file, tensor);
  for (const std::string& name : file.names()) {
    if (!name.starts_with(prefix)) continue;
    const auto has_name = [&](const ParameterStore::Named& tensor) { return tensor.name == name; };
    if (std::none_of(tensors.begin(), tensors.end(), has_name) &&
        std::none_of(left_out.begin(), left_out.end(), has_name)) {
      user_error(path.string(), ": tensor ", name, " of shape ", shape_of(file.entry(name)),
                 " does not belong to this model");
    }
  }
  const bool first_generator = value_of(file.metadata(), "format") == kFirstGenerator;
  for (ParameterStore::Named& tensor : tensors) {
    const std::span<const std::byte> bytes = file.entry(tensor.name).bytes;
    const std::optional<Shape> shape = permuted_shape(tensor, first_generator);
    tensor.change([&](Tensor& value) {
      if (shape) {
        value.copy_from_host(
            permute_kernel(bytes, *shape, size_of(value.dtype()), Direction::to_memory).data());
      } else {
        value.copy_from_host(bytes.data());
      }
    });
  }
}

}  // namespace scimix

// Checkpoints: the tensors of a run as a safetensors file that PyTorch can load.
//
// Names are those of the same module in PyTorch (blocks.0.conv1.weight) behind a prefix:
//   model.    parameters and running statistics
//   ema.      their EMA, which evaluations use
//   momentum. SGD's momentum; Adam's moments have the prefixes adam1. and adam2.
// Convolution kernels are [K,R,S,C] in memory and [K,C,R,S] in the file, as PyTorch keeps them. The
// columns of a linear layer behind a flattened image (epilogue.fc.weight of the critic) are
// [h,w,C] in memory and [C,h,w] in the file.
#pragma once

#include <charconv>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "models/module.hpp"

namespace scimix {

using CheckpointTensors = std::vector<ParameterStore::Named>;
using CheckpointMetadata = std::map<std::string, std::string>;

// Appends the tensors of `part` to `all`, with `prefix` before every name.
void append(CheckpointTensors& all, const std::string& prefix, CheckpointTensors part);

// Converts the values of `from` to the dtypes and devices of `to`, tensor by tensor: both list the
// tensors of the same architecture. f64 tensors must be on the CPU.
void convert_tensors(const CheckpointTensors& from, CheckpointTensors to);

// Writes a checkpoint atomically: on an error, an older file at `path` stays unchanged. Errors
// (user): a full disk, a missing folder.
void save_checkpoint(const std::filesystem::path& path, const CheckpointTensors& tensors,
                     const CheckpointMetadata& metadata);

// Reads only the metadata. Errors (user): not a valid safetensors file.
[[nodiscard]] CheckpointMetadata read_checkpoint_metadata(const std::filesystem::path& path);

// Checks that a checkpoint has `format`, or an earlier version of it that can still be read. Errors
// (user): another format; the message names the `command` of scimix_train that writes the expected
// format. No metadata; the message says how to restore them.
void check_format(const std::filesystem::path& path, const CheckpointMetadata& metadata,
                  std::string_view format, std::string_view command);

// Returns a number as text for metadata: the shortest text that reads back as the same number.
[[nodiscard]] std::string digits_of(double value);
// Returns the value of a key, or an empty string if the key does not exist.
[[nodiscard]] std::string value_of(const CheckpointMetadata& metadata, const std::string& key);

// Returns the value of a key as a number. Errors (user): no such key, or no number.
template <class T>
[[nodiscard]] T number_of(const CheckpointMetadata& metadata, const std::string& key,
                          const std::filesystem::path& path) {
  const std::string text = value_of(metadata, key);
  T number{};
  const auto end = text.data() + text.size();
  if (const auto [at, fault] = std::from_chars(text.data(), end, number);
      text.empty() || fault != std::errc() || at != end) {
    user_error(path.string(), ": ", key, " \"", text, "\", expected a number");
  }
  return number;
}
// Returns the name of the first tensor that has an element that is NaN or infinite, or "" if there
// is none. Waits for the device.
[[nodiscard]] std::string first_not_finite(const CheckpointTensors& tensors);

// Returns the step of a checkpoint. Errors (user): no step, or a step beyond `steps`.
[[nodiscard]] std::int64_t step_of(const CheckpointMetadata& metadata,
                                   const std::filesystem::path& path, std::int64_t steps);

// Fills `tensors` from the file. Errors (user), found before any tensor is written: a tensor that
// the file lacks, that `tensors` lacks, or that has another shape or dtype. The message names the
// first such tensor. Tensors of the file are ignored if their names do not start with `prefix`, or
// are those of `left_out`.
void load_checkpoint(const std::filesystem::path& path, CheckpointTensors tensors,
                     const std::string& prefix = {}, const CheckpointTensors& left_out = {});

// Returns the type of the parameters whose names start with `prefix`: f64 if the first of them is
// saved in f64, otherwise f32.
[[nodiscard]] DType saved_type(const std::filesystem::path& path, std::string_view prefix);

// Loads a network from the tensors whose names start with `prefix`, and returns it on `device` with
// parameters of the type `wanted`, whichever type was saved. `make(dtype, device)` returns a new
// network, and `tensors_of(network)` its tensors with their names in the file. Errors: as
// load_checkpoint.
template <class Make, class TensorsOf>
[[nodiscard]] auto load_network(const std::filesystem::path& path, const std::string& prefix,
                                DType wanted, Device device, const Make& make,
                                const TensorsOf& tensors_of) {
  const DType saved = saved_type(path, prefix);
  auto network = make(saved, saved == wanted ? device : kCpu);  // a GPU has no f64
  load_checkpoint(path, tensors_of(network), prefix);
  if (saved == wanted) return network;
  auto converted = make(wanted, device);
  convert_tensors(tensors_of(network), tensors_of(converted));
  return converted;
}

}  // namespace scimix

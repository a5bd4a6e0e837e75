// Checkpoints: the tensors of a run as a safetensors file that PyTorch can load.
//
// Names are those of the same module in PyTorch (blocks.0.conv1.weight) behind a prefix:
//   model.    parameters and running statistics
//   ema.      their average, which is what is evaluated
//   momentum. the optimiser's moments
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

// Adds `prefix` to every name.
void append(CheckpointTensors& all, const std::string& prefix, CheckpointTensors part);

// Atomic: the file is whole or not there. Errors (user): a full disk, a folder that is missing.
void save_checkpoint(const std::filesystem::path& path, const CheckpointTensors& tensors,
                     const CheckpointMetadata& metadata);

// Reads the metadata alone. Errors (user): not a valid safetensors file.
[[nodiscard]] CheckpointMetadata read_checkpoint_metadata(const std::filesystem::path& path);

// Checks that a checkpoint is of `format`, or of an earlier version that can still be read. Errors
// (user): another format, which the message names with the `command` of scimix_train that writes
// the expected one; no metadata at all, with what brings them back.
void check_format(const std::filesystem::path& path, const CheckpointMetadata& metadata,
                  std::string_view format, std::string_view command);

// A number as metadata holds it: the fewest digits that give it back.
[[nodiscard]] std::string digits_of(double value);
// The value of a key; empty where there is none.
[[nodiscard]] std::string value_of(const CheckpointMetadata& metadata, const std::string& key);

// The value of a key as a number. Errors (user): none there, or something else.
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
// The step of a checkpoint. Errors (user): none there, or beyond `steps`.
[[nodiscard]] std::int64_t step_of(const CheckpointMetadata& metadata,
                                   const std::filesystem::path& path, std::int64_t steps);

// Fills `tensors` from the file. Everything is checked before anything is written: a tensor that is
// missing, left over, or of another shape or dtype is a user error that names the first one and
// both shapes. With a `prefix`, tensors of other names may be there and are passed over.
void load_checkpoint(const std::filesystem::path& path, const CheckpointTensors& tensors,
                     const std::string& prefix = {});

}  // namespace scimix

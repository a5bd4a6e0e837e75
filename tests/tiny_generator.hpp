// A generator's checkpoint without a training run: small networks with random weights.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "trainers/generator_checkpoint.hpp"

namespace scimix::test {

inline Autoencoder tiny_networks(std::int64_t image_size = 16) {
  AutoencoderConfig config;
  config.encoder = {.depth = 10, .width = 1, .classes = 10};
  config.generator = {.image_size = image_size, .base_channels = 8, .max_channels = 8};
  return {config, /*seed=*/5, kCpu};
}

inline std::vector<std::string> digit_names() {
  return {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
}

inline void save_generator(const std::filesystem::path& path, const Autoencoder& networks,
                           const std::string& train_hash = "none") {
  CheckpointTensors tensors;
  append(tensors, "ema.", autoencoder_tensors(networks));
  CheckpointMetadata metadata = describe_networks(networks.config(), digit_names());
  metadata["dataset"] = "digits";
  metadata["train_hash"] = train_hash;
  metadata["step"] = "0";
  save_checkpoint(path, tensors, metadata);
}

}  // namespace scimix::test

#include "trainers/generator_checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "report/run_folder.hpp"

namespace scimix {

namespace {

AutoencoderConfig config_of(const CheckpointMetadata& found, const std::filesystem::path& path) {
  const auto whole = [&](const char* key) { return number_of<std::int64_t>(found, key, path); };
  AutoencoderConfig config;
  config.encoder = {.depth = static_cast<int>(whole("depth")),
                    .width = static_cast<int>(whole("width")),
                    .classes = static_cast<int>(class_names_of(found, path).size()),
                    .norm = {.eps = number_of<double>(found, "norm_eps", path)}};
  config.generator = {.image_size = whole("image_size"),
                      .base_channels = whole("g_channels"),
                      .max_channels = whole("g_max_channels"),
                      .noise = value_of(found, "noise") == "true"};
  config.structural_zc = value_of(found, "structural_zc") == "true";
  return config;
}

}  // namespace

std::vector<std::string> class_names_of(const CheckpointMetadata& metadata,
                                        const std::filesystem::path& path) {
  const auto list = nlohmann::json::parse(value_of(metadata, "class_names"), nullptr, false);
  const bool strings = list.is_array() && std::all_of(list.begin(), list.end(),
                                                      [](const auto& x) { return x.is_string(); });
  if (!strings) user_error(path.string(), ": class_names is no list of names");
  return list.get<std::vector<std::string>>();
}

void describe_guide(const GuideInfo& guide, CheckpointMetadata& metadata) {
  metadata["guide_method"] = guide.method;
  metadata["guide_steps"] = std::to_string(guide.steps);
  metadata["guide_accuracy"] = digits_of(guide.accuracy);
}

std::optional<GuideInfo> guide_in(const CheckpointMetadata& metadata,
                                  const std::filesystem::path& path) {
  const std::string method = value_of(metadata, "guide_method");
  if (method.empty()) return std::nullopt;
  return GuideInfo{.method = method,
                   .steps = number_of<std::int64_t>(metadata, "guide_steps", path),
                   .accuracy = number_of<double>(metadata, "guide_accuracy", path)};
}

std::string describe(const GuideInfo& guide) {
  const std::string made = fmt::format("{}, {} steps", guide.method, guide.steps);
  if (guide.accuracy < 0) return made;
  return fmt::format("{}, right on {:.1f}% of the test images", made, 100.0 * guide.accuracy);
}

CheckpointTensors autoencoder_tensors(const Autoencoder& networks) {
  CheckpointTensors all;
  const auto add = [&](const std::string& prefix, const ParameterStore& store) {
    append(all, prefix, store.parameters());
    append(all, prefix, store.buffers());
  };
  add("e_c.", networks.semantic_encoder().parameters());
  add("e_r.", networks.scene_encoder().parameters());
  add("g.", networks.generator().parameters());
  return all;
}

CheckpointMetadata describe_networks(const AutoencoderConfig& config,
                                     const std::vector<std::string>& class_names) {
  const auto yes_or_no = [](bool value) { return value ? "true" : "false"; };
  return {{"format", kGeneratorFormat},
          {"depth", std::to_string(config.encoder.depth)},
          {"width", std::to_string(config.encoder.width)},
          {"norm_eps", digits_of(config.encoder.norm.eps)},
          {"class_names", nlohmann::json(class_names).dump()},
          {"image_size", std::to_string(config.generator.image_size)},
          {"g_channels", std::to_string(config.generator.base_channels)},
          {"g_max_channels", std::to_string(config.generator.max_channels)},
          {"noise", yes_or_no(config.generator.noise)},
          {"structural_zc", yes_or_no(config.structural_zc)}};
}

std::filesystem::path generator_checkpoint(const std::filesystem::path& path) {
  switch (path_kind(path)) {
    case PathKind::missing:
      user_error("generator ", shown(path),
                 ": not found, expected a run folder or a checkpoint of scimix_train generator");
    case PathKind::folder:
      return RunFolder::open(path).required_checkpoint();
    default:
      return path;
  }
}

CheckpointMetadata read_generator_metadata(const std::filesystem::path& path) {
  CheckpointMetadata found = read_checkpoint_metadata(path);
  check_format(path, found, kGeneratorFormat, "generator");
  return found;
}

TrainedGenerator load_generator(const std::filesystem::path& path, Device device, DType dtype) {
  const std::filesystem::path checkpoint = generator_checkpoint(path);
  CheckpointMetadata found = read_generator_metadata(checkpoint);
  std::vector<std::string> names = class_names_of(found, checkpoint);
  const AutoencoderConfig config = config_of(found, checkpoint);
  const std::string prefix = "ema.";
  Autoencoder networks = load_network(
      checkpoint, prefix, dtype, device,
      [&](DType type, Device where) { return Autoencoder(config, /*seed=*/0, where, type); },
      [&](const Autoencoder& loaded) {
        CheckpointTensors all;
        append(all, prefix, autoencoder_tensors(loaded));
        return all;
      });
  return {checkpoint, std::move(found), std::move(names), std::move(networks)};
}

}  // namespace scimix

#include "trainers/matching_generator.hpp"

#include "core/error.hpp"
#include "kernels/elementwise/elementwise.hpp"
#include "trainers/run_inputs.hpp"

namespace scimix {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

void check_networks(const TrainedGenerator& generator, const Dataset& dataset) {
  const std::string where = generator.checkpoint.string();
  if (generator.class_names != dataset.class_names) {
    user_error(where, ": a generator for the classes ", joined(generator.class_names),
               ", expected those of ", dataset.name, ": ", joined(dataset.class_names));
  }
  const std::int64_t side = generator.networks.config().generator.image_size;
  if (dataset.train.height != side || dataset.train.width != side) {
    user_error(where, ": a generator for images of ", side, "x", side, " pixels, expected ",
               dataset.train.width, "x", dataset.train.height, " as in ", dataset.name,
               " (--image-size)");
  }
}

// As the generator's checkpoint and the classifier's split say it alike.
std::string labels_of(std::int64_t labeled, std::int64_t all, std::uint64_t seed) {
  if (labeled == all) return "all labels";
  return std::to_string(labeled) + " labels by split seed " + std::to_string(seed);
}

std::string labels_of(const TrainedGenerator& generator, std::int64_t all) {
  const std::string labels = value_of(generator.metadata, "labels");
  if (labels == "all" || labels == std::to_string(all)) return "all labels";
  return labels + " labels by split seed " + value_of(generator.metadata, "split_seed");
}

void check_split(const TrainedGenerator& generator, const Dataset& dataset, const Split& split) {
  constexpr const char* kLeak =
      "; what it knows of them would leak into the classifier (--allow-other-split permits it)";
  const std::string where = generator.checkpoint.string();
  if (const std::string hash = value_of(generator.metadata, "train_hash");
      hash != split.train_hash) {
    user_error(where, ": a generator of other training images (hash ", hash, ", expected ",
               split.train_hash, ")", kLeak);
  }
  const std::string here = labels_of(std::ssize(split.labeled), dataset.train.count, split.seed);
  if (const std::string there = labels_of(generator, dataset.train.count); there != here) {
    user_error(where, ": a generator trained with ", there, ", expected ", here, kLeak);
  }
}

void check_encoder(const TrainedGenerator& generator, const ClassifierConfig& config) {
  const WideResNetConfig& found = generator.networks.config().encoder;
  if (found.depth != config.model.depth || found.width != config.model.width) {
    user_error("--init-from generator: its encoder is a WideResNet-", found.depth, "-", found.width,
               ", expected the classifier's --depth ", config.model.depth, " --width ",
               config.model.width);
  }
}

// In an f64 run hybrids are computed in f64 as well.
Autoencoder in_f64(const Autoencoder& networks, Device device) {
  Autoencoder wide(networks.config(), /*seed=*/0, device, DType::f64);
  const CheckpointTensors from = autoencoder_tensors(networks);
  const CheckpointTensors to = autoencoder_tensors(wide);
  for (std::size_t i = 0; i < from.size(); ++i) convert(from[i].value, to[i].value);
  return wide;
}

}  // namespace

TrainedGenerator load_matching_generator(const ClassifierConfig& config, const Dataset& dataset,
                                         const Split& split, Device device) {
  TrainedGenerator generator = load_generator(config.hybrids.generator, device);
  check_networks(generator, dataset);
  if (!config.hybrids.allow_other_split) check_split(generator, dataset, split);
  if (config.init_from == InitFrom::generator) check_encoder(generator, config);
  if (parameter_type(config.precision) == DType::f64) {
    generator.networks = in_f64(generator.networks, device);
  }
  return generator;
}

}  // namespace scimix

#include "trainers/matching_generator.hpp"

#include "core/error.hpp"
#include "trainers/matching_run.hpp"
#include "trainers/run_inputs.hpp"

namespace scimix {

namespace {

TrainedOn description_of(const TrainedGenerator& generator, const Dataset& dataset) {
  const CheckpointMetadata& said = generator.metadata;
  return {.where = generator.checkpoint.string(),
          .what = "a generator",
          .class_names = generator.class_names,
          .image_size = generator.networks.config().generator.image_size,
          .train_hash = value_of(said, "train_hash"),
          .labels = labels_text(value_of(said, "labels"), labeled_count(dataset.train),
                                value_of(said, "split_seed"))};
}

// Returns the networks in f64, in which an f64 run makes its hybrids.
Autoencoder in_f64(const Autoencoder& networks, Device device) {
  Autoencoder wide(networks.config(), /*seed=*/0, device, DType::f64);
  convert_tensors(autoencoder_tensors(networks), autoencoder_tensors(wide));
  return wide;
}

}  // namespace

TrainedGenerator load_matching_generator(const ClassifierConfig& config, const Dataset& dataset,
                                         const Split& split, Device device) {
  TrainedGenerator generator = load_generator(config.hybrids.generator, device);
  const TrainedOn run = description_of(generator, dataset);
  check_same_classes(run, dataset);
  if (!config.hybrids.allow_other_split) {
    const std::string why =
        "; the generator's knowledge of them would leak into the classifier (--allow-other-split "
        "permits it)";
    check_same_images(run, split, why);
    check_same_labels(run, dataset, split, why);
  }
  if (config.init_from == InitFrom::generator) {
    check_same_shape("--init-from generator: its encoder", generator.networks.config().encoder,
                     config.model, "the classifier's");
  }
  if (parameter_type(config.precision) == DType::f64) {
    generator.networks = in_f64(generator.networks, device);
  }
  return generator;
}

}  // namespace scimix

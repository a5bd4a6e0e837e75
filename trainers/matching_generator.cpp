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

}  // namespace

TrainedGenerator load_matching_generator(const ClassifierConfig& config, const Dataset& dataset,
                                         const Split& split, Device device) {
  TrainedGenerator generator =
      load_generator(config.hybrids.generator, device, parameter_type(config.precision));
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
  return generator;
}

}  // namespace scimix

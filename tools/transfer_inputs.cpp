#include "tools/transfer_inputs.hpp"

#include <CLI/CLI.hpp>

#include "core/error.hpp"
#include "tools/classifier_options.hpp"
#include "tools/cli.hpp"
#include "tools/generator_options.hpp"
#include "trainers/run_folder.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

std::string metadata_value(const TrainedGenerator& generator, const std::string& key) {
  const auto it = generator.metadata.find(key);
  return it == generator.metadata.end() ? std::string() : it->second;
}

DataSettings settings_of_run(const fs::path& run) {
  CLI::App app("", "generator");
  GeneratorRunConfig config;
  add_generator_options(app, config);
  app.set_config("--config");
  (void)parse(app, {"--config", RunFolder::open(run).config().string()});
  return config.data;
}

}  // namespace

EvaluationData load_evaluation_data(const TransferSettings& settings,
                                    const TrainedGenerator& generator) {
  const std::int64_t side = generator.networks.config().generator.image_size;
  const std::string own = metadata_value(generator, "dataset");
  EvaluationData data;
  DataSettings& s = data.settings;
  s.dataset = own;
  if (fs::is_directory(settings.generator)) s = settings_of_run(settings.generator);
  s.dataset = settings.dataset.value_or(s.dataset);
  s.data_dir = settings.data_dir.value_or(s.data_dir);
  s.data_seed = settings.data_seed.value_or(s.data_seed);
  s.digits_train = settings.digits_train.value_or(s.digits_train);
  s.digits_test = settings.digits_test.value_or(s.digits_test);
  s.labels = "all";
  s.image_size = s.dataset == own || settings.resize ? side : 0;
  data.dataset = load_dataset(s.dataset, s.data_dir,
                              {.size = s.image_size,
                               .digits_train = s.digits_train,
                               .digits_test = s.digits_test,
                               .data_seed = s.data_seed});
  const ImageSet& test = data.dataset.test;
  if (test.height != side || test.width != side) {
    user_error(s.dataset, ": ", test.width, "x", test.height, " pixels, expected ", side, "x", side,
               " (--resize brings images to size)");
  }
  s.image_size = side;
  s.crop_pad = static_cast<int>(side / 8);
  return data;
}

fs::path oracle_folder(const TransferSettings& settings, const DataSettings& data) {
  if (!settings.oracle.empty()) return settings.oracle;
  return fs::path("runs") / (data.dataset + "-oracle-" + std::to_string(data.image_size));
}

ClassifierConfig oracle_settings(const TransferSettings& settings, const DataSettings& data,
                                 const fs::path& folder) {
  ClassifierConfig config;
  config.data = data;
  config.model = {.depth = 10, .width = 1, .norm_momentum = 0.05};
  config.sgd.learning_rate = 0.1;
  config.steps = 1500;
  config.batch = 32;
  config.ema_decay = 0.98;
  config.output.eval_every = 500;
  config.output.checkpoint_every = 500;
  if (!settings.oracle_config.empty()) {
    CLI::App app("", "oracle");
    config = {};
    add_classifier_options(app, config);
    app.set_config("--config");
    (void)parse(app, {"--config", settings.oracle_config});
    const int crop_pad = config.data.crop_pad;
    config.data = data;  // the same images, all labels
    config.data.crop_pad = crop_pad;
  }
  config.output.out = folder.string();
  config.output.device = settings.device;
  return config;
}

}  // namespace scimix

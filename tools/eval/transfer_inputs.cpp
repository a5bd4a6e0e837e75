#include "tools/eval/transfer_inputs.hpp"

#include <optional>

#include "core/paths.hpp"
#include "core/threads.hpp"
#include "data/folder_listing.hpp"
#include "report/run_folder.hpp"
#include "tools/command_line/run_settings.hpp"
#include "tools/eval/trained_classifier.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

}  // namespace

EvaluationData load_transfer_data(const TransferSettings& settings,
                                  const TrainedGenerator& generator) {
  DataSettings own;
  own.dataset = value_of(generator.metadata, "dataset");
  if (const std::optional<fs::path> run = run_of(settings.generator)) {
    own = read_generator_config(RunFolder::open(*run).config()).data;
  }
  own.labels = "all";
  const std::int64_t side = generator.networks.config().generator.image_size;
  EvaluationData data = load_evaluation_data(settings.data, own, {.side = side});
  if (data.settings.dataset == "folder" &&
      !is_test_set(fs::path(data.settings.data_dir) / "test")) {
    check_not_changed(settings.data, own, data.settings, value_of(generator.metadata, "train_hash"),
                      content_hash(data.dataset.train));
  }
  data.settings.crop_pad = static_cast<int>(side / 8);
  return data;
}

fs::path oracle_folder(const TransferSettings& settings, const EvaluationData& data) {
  if (!settings.oracle.empty()) return settings.oracle;
  const DataSettings& s = data.settings;
  std::string name = s.dataset + "-oracle-" + std::to_string(s.image_size);
  // Other data sets have always the same images.
  if (s.dataset == "folder") name += "-" + content_hash(data.dataset.train).substr(0, 8);
  return fs::path("runs") / name;
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
    config = read_classifier_config(settings.oracle_config);
    const int crop_pad = config.data.crop_pad;
    config.data = data;  // the images of the evaluation, with all labels
    config.data.crop_pad = crop_pad;
  }
  config.output.out = folder.string();
  config.output.device = settings.device;
  config.output.threads = thread_count();
  return config;
}

}  // namespace scimix

// What scimix_eval transfer works on: a generator, the test images of a data set, an oracle.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "settings/classifier_config.hpp"
#include "tools/evaluation_data.hpp"
#include "trainers/generator_checkpoint.hpp"

namespace scimix {

struct TransferSettings {
  std::string generator;  // run folder or checkpoint
  DataChoice data;        // in place of what the generator's run says
  // The oracle.
  std::string oracle;         // run folder; runs/DATASET-oracle-SIZE when empty
  std::string oracle_config;  // settings to train one with, as for scimix_train classifier
  // The measurement.
  std::int64_t pairs = 0;  // 0: as many as there are test images
  std::uint64_t seed = 0;
  double fda_band = 0.05;
  std::int64_t batch = 250;
  std::string device = "auto";
  std::string json;
  std::string grid;
  std::int64_t grid_pairs = 10;
};

// The data of the generator's run (as its config.toml says, or as far as a checkpoint alone tells),
// with what the user chose in its place, as an oracle is trained on them. Errors (user): as
// load_evaluation_data.
[[nodiscard]] EvaluationData load_transfer_data(const TransferSettings& settings,
                                                const TrainedGenerator& generator);

// Where the oracle is, or will be.
[[nodiscard]] std::filesystem::path oracle_folder(const TransferSettings& settings,
                                                  const DataSettings& data);

// How an oracle is trained where there is none: as `settings.oracle_config` says, or else a small
// one, a minute or two on a CPU; on all labels of `data`, into `folder`.
[[nodiscard]] ClassifierConfig oracle_settings(const TransferSettings& settings,
                                               const DataSettings& data,
                                               const std::filesystem::path& folder);

}  // namespace scimix

// The options of scimix_eval transfer, and the data and the oracle that follow from them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "settings/classifier_config.hpp"
#include "tools/eval/evaluation_data.hpp"
#include "trainers/generator_checkpoint.hpp"

namespace scimix {

struct TransferSettings {
  std::string generator;  // run folder or checkpoint
  DataChoice data;        // overrides the data settings of the generator's run
  // The oracle.
  std::string oracle;  // run folder; empty: runs/DATASET-oracle-SIZE, of a folder with a hash
  std::string oracle_config;  // configuration file for training an oracle; may be empty
  // The measurement.
  std::int64_t pairs = 0;  // 0: as many pairs as there are test images
  std::uint64_t seed = 0;
  double fda_band = 0.05;
  std::int64_t batch = 250;
  std::string device = "auto";
  std::string json;
  std::string grid;
  std::int64_t grid_pairs = 10;
};

// Loads the data of the generator's run, overridden by the user's choice. Of a checkpoint that lies
// in no run, the metadata give the name of the data set. The returned settings are those for
// training an oracle: all labels, and crops for the image size. Errors (user): those of
// load_evaluation_data and check_not_changed.
[[nodiscard]] EvaluationData load_transfer_data(const TransferSettings& settings,
                                                const TrainedGenerator& generator);

// Returns the run folder of the oracle, which may not exist yet.
[[nodiscard]] std::filesystem::path oracle_folder(const TransferSettings& settings,
                                                  const EvaluationData& data);

// Returns the settings for training an oracle in `folder` on all labels of `data`. They come from
// `settings.oracle_config`, or else describe a small network that takes a minute or two on a CPU.
[[nodiscard]] ClassifierConfig oracle_settings(const TransferSettings& settings,
                                               const DataSettings& data,
                                               const std::filesystem::path& folder);

}  // namespace scimix

#include "trainers/run_start.hpp"

namespace scimix {

std::string scale_note(RunScale scale) {
  if (scale == RunScale::full) return {};
  return "Scaled down for a machine without a GPU (--scale " + std::string(name_of(scale)) +
         "): a smaller model, smaller batches, fewer steps. Not the setting of the paper's tables.";
}

}  // namespace scimix

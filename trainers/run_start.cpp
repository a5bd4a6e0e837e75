#include "trainers/run_start.hpp"

namespace scimix {

std::string scale_note(const std::string& scale) {
  if (scale == "full") return {};
  return "Scaled down for a machine without a GPU (--scale " + scale +
         "): a smaller model, smaller batches, fewer steps. Not the setting of the paper's tables.";
}

}  // namespace scimix

// Reads the classifier in a checkpoint, which a classifier's run or a generator's has written.
#pragma once

#include <filesystem>
#include <string>

#include "models/wide_resnet.hpp"

namespace scimix {

// Returns the classifier whose parameters and running statistics have names that start with
// `prefix`, on `device` with parameters of the type `wanted`. Errors (user): those of
// load_checkpoint.
[[nodiscard]] WideResNet load_wide_resnet(const std::filesystem::path& checkpoint,
                                          const std::string& prefix, const WideResNetConfig& config,
                                          DType wanted, Device device);

}  // namespace scimix

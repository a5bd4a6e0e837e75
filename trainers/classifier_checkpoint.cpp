#include "trainers/classifier_checkpoint.hpp"

#include "trainers/checkpoint.hpp"

namespace scimix {

WideResNet load_wide_resnet(const std::filesystem::path& checkpoint, const std::string& prefix,
                            const WideResNetConfig& config, DType wanted, Device device) {
  return load_network(
      checkpoint, prefix, wanted, device,
      [&](DType dtype, Device where) { return WideResNet(config, /*seed=*/0, where, dtype); },
      [&](const WideResNet& network) {
        CheckpointTensors all;
        append(all, prefix, network.parameters().parameters());
        append(all, prefix, network.parameters().buffers());
        return all;
      });
}

}  // namespace scimix

// Small training runs of the program scimix_train, alone or as several ranks under mpirun, and what
// their checkpoints hold.
#pragma once

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "core/safetensors.hpp"
#include "tests/paths.hpp"

namespace scimix::test {

// More ranks than cores are asked for here, and tests may run as root.
inline Words mpirun_options(int ranks) {
  ::setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
  ::setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
  ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // MPI leaves things behind, which are not ours
  return {"--oversubscribe", "-np", std::to_string(ranks)};
}

inline Words on_ranks(int ranks, const std::string& program, const Words& arguments) {
  return mpirun_options(ranks) + Words{program_dir().string() + "/" + program} + arguments;
}

inline ProgramResult run_on_ranks(int ranks, const std::string& program, const Words& arguments) {
  return run_program("mpirun", on_ranks(ranks, program, arguments));
}

inline Words tiny_images(const std::string& device) {
  return words_of(
      "--dataset digits --digits-train 120 --digits-test 40 --image-size 16 --crop-pad 2 "
      "--depth 10 --width 1 --log-every 5 --eval-every 1000 --checkpoint-every 1000 --device " +
      device);
}

inline Words classifier_run(const std::string& out, const Words& more,
                            const std::string& device = "cpu") {
  return Words{"classifier", "--out", out} + words_of("--labels 40 --batch 8 --unlabeled-batch 8") +
         tiny_images(device) + more;
}

inline Words generator_run(const std::string& out, const Words& more,
                           const std::string& device = "cpu") {
  return Words{"generator", "--out", out} +
         words_of(
             "--batch 8 --g-channels 8 --g-max-channels 8 --d-channels 8 --d-max-channels 8 "
             "--eval-pairs 20 --guide-steps 0") +
         tiny_images(device) + more;
}

template <class T>
std::vector<double> values_of(const TensorEntry& entry) {
  std::vector<T> values(entry.bytes.size() / sizeof(T));
  std::memcpy(values.data(), entry.bytes.data(), entry.bytes.size());
  return {values.begin(), values.end()};
}

inline std::vector<double> numbers_of(const TensorEntry& entry) {
  return entry.dtype == "F64" ? values_of<double>(entry) : values_of<float>(entry);
}

// The largest ||a - b|| / ||a|| of a network's parameters, by network: "model", or "model.g".
inline double apart(const std::filesystem::path& a, const std::filesystem::path& b) {
  const SafetensorsFile first(a);
  const SafetensorsFile second(b);
  struct Sums {
    double difference = 0;
    double all = 0;
  };
  std::map<std::string, Sums> by_network;
  for (const TensorEntry& entry : first.entries()) {
    if (!entry.name.starts_with("model.") || entry.name.find(".running_") != std::string::npos) {
      continue;
    }
    const std::string rest = entry.name.substr(6);
    const std::string part = rest.substr(0, rest.find('.'));
    static const std::vector<std::string> kNetworks{"e_c", "e_r", "g", "d"};
    const bool named = std::find(kNetworks.begin(), kNetworks.end(), part) != kNetworks.end();
    Sums& sums = by_network[named ? part : ""];
    const std::vector<double> x = numbers_of(entry);
    const std::vector<double> y = numbers_of(second.entry(entry.name));
    for (std::size_t i = 0; i < x.size(); ++i) {
      sums.difference += (x[i] - y[i]) * (x[i] - y[i]);
      sums.all += x[i] * x[i];
    }
  }
  double worst = 0;
  for (const auto& [network, sums] : by_network) {
    worst = std::max(worst, std::sqrt(sums.difference / sums.all));
  }
  return worst;
}

}  // namespace scimix::test

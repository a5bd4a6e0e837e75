#include "tools/scale.hpp"

#include <array>

#include "tools/run_options.hpp"

namespace scimix {

namespace {

constexpr std::array<ScaledSetting, 10> kClassifier{{{"--depth", "10"},
                                                     {"--width", "1"},
                                                     {"--norm-momentum", "0.05"},
                                                     {"--steps", "2000"},
                                                     {"--batch", "32"},
                                                     {"--unlabeled-batch", "32"},
                                                     {"--ema-decay", "0.99"},
                                                     {"--log-every", "50"},
                                                     {"--eval-every", "25"},
                                                     {"--checkpoint-every", "500"}}};

constexpr std::array<ScaledSetting, 15> kGenerator{{{"--depth", "10"},
                                                    {"--width", "1"},
                                                    {"--norm-momentum", "0.05"},
                                                    {"--g-channels", "32"},
                                                    {"--g-max-channels", "64"},
                                                    {"--d-channels", "32"},
                                                    {"--d-max-channels", "64"},
                                                    {"--weight-class-plus", "0.25"},
                                                    {"--steps", "3000"},
                                                    {"--batch", "32"},
                                                    {"--adam-learning-rate", "4e-3"},
                                                    {"--ema-decay", "0.995"},
                                                    {"--log-every", "50"},
                                                    {"--eval-every", "500"},
                                                    {"--checkpoint-every", "500"}}};

bool is_asked_for(const CLI::App& app, const std::vector<std::string>& arguments) {
  return is_named(arguments, "--scale") && option_text(app, "--scale") == "cpu";
}

}  // namespace

std::span<const ScaledSetting> cpu_classifier() {
  return kClassifier;
}

std::span<const ScaledSetting> cpu_generator() {
  return kGenerator;
}

void apply_scale(CLI::App& app, const std::vector<std::string>& arguments,
                 std::span<const ScaledSetting> settings) {
  if (!is_asked_for(app, arguments)) return;
  for (const ScaledSetting& setting : settings) {
    if (!is_named(arguments, setting.option)) set_option(app, setting.option, setting.value);
  }
}

void mark_scaled_folders(CLI::App& app, const std::vector<std::string>& arguments,
                         std::span<const std::string> options) {
  if (!is_asked_for(app, arguments)) return;
  for (const std::string& option : options) {
    const std::string folder = option_text(app, option);
    if (folder.empty() || is_named(arguments, option)) continue;
    set_option(app, option, folder + "-cpu");
  }
}

}  // namespace scimix

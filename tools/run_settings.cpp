#include "tools/run_settings.hpp"

#include <CLI/CLI.hpp>

#include "tools/classifier_options.hpp"
#include "tools/cli.hpp"
#include "tools/generator_options.hpp"

namespace scimix {

namespace {

void read(CLI::App& app, const std::filesystem::path& config) {
  app.set_config("--config");
  (void)parse(app, {"--config", config.string()});
}

}  // namespace

ClassifierConfig read_classifier_config(const std::filesystem::path& config) {
  CLI::App app("", "classifier");
  ClassifierConfig settings;
  add_classifier_options(app, settings);
  read(app, config);
  return settings;
}

GeneratorRunConfig read_generator_config(const std::filesystem::path& config) {
  CLI::App app("", "generator");
  GeneratorRunConfig settings;
  add_generator_options(app, settings);
  read(app, config);
  return settings;
}

}  // namespace scimix

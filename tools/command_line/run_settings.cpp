#include "tools/command_line/run_settings.hpp"

#include "core/installed_files.hpp"
#include "core/paths.hpp"
#include "settings/settings_file.hpp"

namespace scimix {

namespace {

void make_absolute(std::string& path) {
  if (!path.empty()) path = absolute_path(path).string();
}

void replace(std::string& text, const std::string& mark, const std::string& value) {
  for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += value.size()) {
    text.replace(at, mark.size(), value);
  }
}

}  // namespace

ClassifierConfig read_classifier_config(const std::filesystem::path& config) {
  const RunKind& kind = classifier_kind();
  return classifier_table().config(resolve(kind, read_settings_file(kind, config)).values);
}

GeneratorRunConfig read_generator_config(const std::filesystem::path& config) {
  const RunKind& kind = generator_kind();
  return generator_table().config(resolve(kind, read_settings_file(kind, config)).values);
}

void make_paths_absolute(ClassifierConfig& config) {
  make_absolute(config.data.data_dir);
  make_absolute(config.data.labels_file);
  make_absolute(config.hybrids.generator);
  if (!config.hybrids.generator_config.empty()) {
    config.hybrids.generator_config = find_preset(config.hybrids.generator_config).string();
  }
  make_absolute(config.hybrids.generator_config);
}

void make_paths_absolute(GeneratorRunConfig& config) {
  make_absolute(config.data.data_dir);
  make_absolute(config.data.labels_file);
  make_absolute(config.guide.run);
}

void fill_in_placeholders(ClassifierConfig& config) {
  for (std::string* const path : {&config.hybrids.generator, &config.hybrids.generator_config}) {
    replace(*path, "{split}", std::to_string(config.data.split_seed));
    replace(*path, "{dataset}", config.data.dataset);
    replace(*path, "{labels}", config.data.labels);
  }
}

}  // namespace scimix

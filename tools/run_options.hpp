// Options that every training run has.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "settings/settings.hpp"

namespace scimix {

// A whole number from 0: CLI11 alone would wrap a negative one into a huge one.
[[nodiscard]] CLI::Validator whole_seed();

// Values are those of the settings by default; of an option given twice the last one counts, so
// that a script's options can be overridden behind it. Call it before adding options.
void use_setting_defaults(CLI::App& app);

// Gives an option a value, as if the command line had: it is then also what config.toml says.
void set_option(CLI::App& app, const std::string& name, const std::string& value);
// Its value as text: what was given, or its default.
[[nodiscard]] std::string option_text(const CLI::App& app, const std::string& name);
// The word stands on the command line itself, as --name VALUE or --name=VALUE.
[[nodiscard]] bool is_named(const std::vector<std::string>& arguments, const std::string& name);

// An option for an enumeration.
template <NamedEnum E>
CLI::Option* add_choice(CLI::App& app, const std::string& name, E& field, const std::string& help) {
  return app
      .add_option_function<std::string>(
          name,
          [&field, name](const std::string& word) {
            const std::optional<E> found = find_choice<E>(word);
            if (!found) refuse_choice(name + " " + word, word, choice_names<E>());
            field = *found;
          },
          help)
      ->default_str(std::string(name_of(field)));
}

void add_data_options(CLI::App& app, DataSettings& settings);
void add_encoder_options(CLI::App& app, EncoderSettings& settings);
void add_sgd_options(CLI::App& app, SgdSettings& settings, const std::string& group);
void add_precision_option(CLI::App& app, Precision& precision, const std::string& group);
void add_graph_options(CLI::App& app, GraphSettings& settings);
void add_rank_options(CLI::App& app, RankSettings& settings);
void add_output_options(CLI::App& app, OutputSettings& settings, const std::string& default_out);

}  // namespace scimix

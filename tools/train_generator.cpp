#include "tools/train_generator.hpp"

#include "tools/generator_options.hpp"
#include "tools/scale.hpp"
#include "tools/train_command.hpp"
#include "trainers/generator_run.hpp"

namespace scimix {

int train_generator(const std::vector<std::string>& arguments, Ranks& ranks) {
  CLI::App app("Trains SciMix's generator.", "scimix_train generator");
  GeneratorRunConfig config;
  add_generator_options(app, config);
  TrainCommand command("generator", arguments);
  if (const auto done = command.parse(app)) return *done;
  if (!command.resumes()) apply_scale(app, command.arguments(), cpu_generator());
  apply_preset(app, config);
  const RunRequest request = command.request(app, command_line("generator", arguments), ranks);
  return run_generator(config, request, streams_of(ranks)).interrupted ? kExitInterrupted : 0;
}

}  // namespace scimix

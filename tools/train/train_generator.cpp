#include "tools/train/train_generator.hpp"

#include "settings/run_kinds.hpp"
#include "tools/command_line/run_settings.hpp"
#include "tools/train/train_command.hpp"
#include "trainers/generator_run.hpp"

namespace scimix {

int train_generator(const std::vector<std::string>& arguments, Ranks& ranks) {
  const RunKind& kind = generator_kind();
  const AskedRun asked = read_command(kind, arguments);
  if (asked.done) return *asked.done;
  GeneratorRunConfig config = generator_table().config(asked.values);
  make_paths_absolute(config);
  const RunRequest request = make_request(kind, asked, generator_table().values(config),
                                          command_line(kind.name, arguments), ranks);
  return run_generator(config, request, streams_of(ranks)).interrupted ? kExitInterrupted : 0;
}

}  // namespace scimix

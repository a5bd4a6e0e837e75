#include "tools/eval/eval_restore.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "core/result_file.hpp"
#include "core/safetensors.hpp"
#include "tools/command_line/cli.hpp"

namespace scimix {

namespace {

struct RestoreSettings {
  std::string file;
  std::string like;
  std::string out;
  std::optional<std::int64_t> step;
};

// The step in the name of a run's checkpoint.
std::optional<std::int64_t> step_in_name(const std::filesystem::path& file) {
  long long step = 0;
  int length = 0;
  const std::string name = file.filename().native();
  const int found = std::sscanf(name.c_str(), "step-%lld.safetensors%n", &step, &length);
  const bool whole = found == 1 && static_cast<std::size_t>(length) == name.size() && step >= 0;
  return whole ? std::optional<std::int64_t>(step) : std::nullopt;
}

int restore(const RestoreSettings& s) {
  const std::filesystem::path out = s.out.empty() ? s.file : s.out;
  if (!s.out.empty()) check_result_file("--out", out, "\"format\":\"scimix-");
  SafetensorsMetadata changed;
  const auto step = s.step ? s.step : step_in_name(s.file);
  if (step) changed["step"] = std::to_string(*step);
  restore_metadata(s.file, s.like, out, changed);
  const SafetensorsFile restored(out);
  std::cout << fmt::format("{}: {} tensors, metadata of {}, step {}\n", shown(out),
                           restored.entries().size(), shown(s.like), restored.metadata("step"));
  return 0;
}

}  // namespace

int eval_restore(const std::vector<std::string>& arguments) {
  CLI::App app(
      "Gives a checkpoint its metadata back, which other safetensors libraries drop when they save "
      "a file again. Without them a checkpoint can be neither resumed nor evaluated.",
      "scimix_eval restore");
  RestoreSettings s;
  use_setting_defaults(app);
  app.add_option("file", s.file, "the checkpoint without metadata")->required();
  app.add_option("--like", s.like,
                 "another checkpoint of the same run, from which the metadata are taken")
      ->required();
  check_number(app.add_option("--step", s.step,
                              "the step after which FILE was written; without it the number in the "
                              "name step-N.safetensors, or that of the other checkpoint"),
               {.least = 0});
  app.add_option("--out", s.out, "write the result here; without it FILE is replaced")
      ->check(not_empty());
  if (const auto done = parse(app, arguments)) return *done;
  return restore(s);
}

}  // namespace scimix

#include "tools/oracle.hpp"

#include <CLI/CLI.hpp>

#include "core/error.hpp"
#include "tools/classifier_options.hpp"
#include "tools/cli.hpp"
#include "trainers/checkpoint.hpp"
#include "trainers/classifier_run.hpp"
#include "trainers/run_folder.hpp"
#include "trainers/run_inputs.hpp"

namespace scimix {

namespace {

// The settings in a run's config.toml. Errors (user): those of another kind of run.
ClassifierConfig read_config(const RunFolder& run) {
  CLI::App app("", "oracle");
  ClassifierConfig config;
  add_classifier_options(app, config);
  app.set_config("--config");
  (void)parse(app, {"--config", run.config().string()});
  return config;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

}  // namespace

Oracle load_oracle(const std::filesystem::path& path, const std::vector<std::string>& class_names,
                   Device device) {
  const RunFolder run = RunFolder::open(path);
  const auto checkpoint = run.latest_checkpoint();
  if (!checkpoint) user_error(path.string(), ": no checkpoint in this run yet");
  const CheckpointMetadata found = read_checkpoint_metadata(*checkpoint);
  const auto value = [&](const std::string& key) {
    const auto it = found.find(key);
    return it == found.end() ? std::string() : it->second;
  };
  if (!value("format").starts_with("scimix-classifier")) {
    user_error(checkpoint->string(), ": format \"", value("format"),
               "\", expected a run of scimix_train classifier");
  }
  const ClassifierConfig config = read_config(run);
  if (config.data.labels != "all") {
    user_error(path.string(), ": trained with --labels ", config.data.labels,
               ", expected an oracle that was trained with all");
  }
  if (value("step") != std::to_string(config.steps)) {
    user_error(path.string(), ": stopped after step ", value("step"), " of ", config.steps,
               "; scimix_train classifier --resume ", path.string(), " finishes it");
  }
  if (value("class_names") != joined(class_names)) {
    user_error(path.string(), ": knows the classes ", value("class_names"), ", expected ",
               joined(class_names));
  }
  Oracle oracle{*checkpoint, value("train_hash"),
                WideResNet(encoder_config(config.model, std::ssize(class_names)),
                           /*seed=*/0, device)};
  CheckpointTensors tensors;
  append(tensors, "ema.", oracle.network.parameters().parameters());
  append(tensors, "ema.", oracle.network.parameters().buffers());
  load_checkpoint(*checkpoint, tensors, "ema.");
  return oracle;
}

bool train_oracle(const ClassifierConfig& config, std::ostream& out, std::ostream& progress) {
  CLI::App app("", "oracle");
  ClassifierConfig written = config;  // the options below are bound to it
  add_classifier_options(app, written);
  const std::string text = app.config_to_str(/*default_also=*/true, /*write_description=*/false);
  return !run_classifier(config, text, std::nullopt, out, progress).interrupted;
}

}  // namespace scimix

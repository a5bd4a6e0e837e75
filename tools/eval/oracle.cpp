#include "tools/eval/oracle.hpp"

#include "core/error.hpp"
#include "core/paths.hpp"
#include "report/run_lock.hpp"
#include "tools/command_line/run_settings.hpp"
#include "tools/eval/trained_classifier.hpp"
#include "trainers/classifier_run.hpp"

namespace scimix {

namespace {

// Checks the run of an oracle. Errors (user): an unfinished run, a run not trained with all labels.
void check_run(const std::filesystem::path& run, const ClassifierCheckpoint& checkpoint) {
  const ClassifierConfig config = read_classifier_config(run / "config.toml");
  if (config.data.labels != "all") {
    user_error(run.string(), ": trained with --labels ", config.data.labels,
               ", expected an oracle that was trained with all labels");
  }
  const std::string step = value_of(checkpoint.metadata, "step");
  if (step != std::to_string(config.steps)) {
    check_not_in_training(run);
    user_error(run.string(), ": stopped after step ", step, " of ", config.steps,
               "; scimix_train classifier --resume ", run.string(), " finishes it");
  }
}

}  // namespace

void check_not_in_training(const std::filesystem::path& run) {
  if (is_file(run / "lock")) const RunLock lock(run);  // throws if its owner is alive
}

Oracle load_oracle(const std::filesystem::path& run, const std::vector<std::string>& class_names,
                   std::int64_t side, Device device) {
  if (!is_folder(run)) {
    user_error(run.string(), ": expected the folder of a run of scimix_train classifier");
  }
  const ClassifierCheckpoint found = find_classifier(run);
  if (found.kind != ClassifierCheckpoint::Kind::classifier) {
    user_error(found.file.string(), ": format \"", value_of(found.metadata, "format"),
               "\", expected a run of scimix_train classifier");
  }
  check_run(run, found);
  check_classes(found, class_names);
  const ClassifierSettings settings = settings_of(found);
  if (settings.image_size != side) {
    user_error(run.string(), ": trained on images of ", settings.image_size, "x",
               settings.image_size, " pixels, expected an oracle for ", side, "x", side);
  }
  return {found.file, value_of(found.metadata, "train_hash"),
          load_classifier(found, settings, device)};
}

bool train_oracle(const ClassifierConfig& config, std::ostream& out, std::ostream& progress) {
  RunRequest request;
  request.config_text = config_text(classifier_kind(), classifier_table().values(config), {});
  return !run_classifier(config, request, {out, progress}).interrupted;
}

}  // namespace scimix

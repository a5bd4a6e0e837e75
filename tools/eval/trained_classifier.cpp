#include "tools/eval/trained_classifier.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error.hpp"
#include "core/paths.hpp"
#include "report/run_folder.hpp"
#include "tools/command_line/run_settings.hpp"
#include "tools/command_line/short_list.hpp"
#include "trainers/classifier_checkpoint.hpp"
#include "trainers/generator_checkpoint.hpp"
#include "trainers/run_inputs.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;
using Kind = ClassifierCheckpoint::Kind;

constexpr std::int64_t kOwnSide = 32;  // default side of the images of all data sets

// Returns the prefix of the EMA classifier's tensors in a checkpoint.
const char* prefix_of(Kind kind) {
  return kind == Kind::classifier ? "ema." : "ema.e_c.";
}

Kind kind_of(const CheckpointMetadata& metadata, const fs::path& file) {
  const std::string format = value_of(metadata, "format");
  if (format.starts_with("scimix-classifier-")) return Kind::classifier;
  if (format.starts_with("scimix-generator-")) return Kind::generator;
  if (format.empty()) check_format(file, metadata, "scimix-classifier-2", "classifier");
  user_error(file.string(), ": format \"", format,
             "\", expected a checkpoint of scimix_train classifier or generator");
}

fs::path newest_checkpoint(const fs::path& run) {
  if (!is_file(run / "config.toml")) {
    user_error(run.string(),
               ": no run here, expected a folder with a config.toml, or a checkpoint");
  }
  return RunFolder::open(run).required_checkpoint();
}

// Returns whether `written` lists these names: as a JSON list, or, in old checkpoints of
// classifiers, separated by commas.
bool has_classes(const std::string& written, const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : ",") + name;
  if (written == joined) return true;
  const auto list = nlohmann::json::parse(written, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array() || list.size() != names.size()) return false;
  return std::equal(names.begin(), names.end(), list.begin(), [](const auto& name, const auto& x) {
    return x.is_string() && x.template get<std::string>() == name;
  });
}

std::int64_t whole(const ClassifierCheckpoint& c, const std::string& key, std::int64_t least,
                   std::int64_t most) {
  const auto number = number_of<std::int64_t>(c.metadata, key, c.file);
  if (number < least || number > most) {
    user_error(c.file.string(), ": ", key, " ", number, ", expected ", least, " to ", most);
  }
  return number;
}

std::int64_t class_count(const ClassifierCheckpoint& c) {
  if (c.kind == Kind::classifier) return whole(c, "classes", 1, 1'000'000);
  const auto list = nlohmann::json::parse(value_of(c.metadata, "class_names"), nullptr, false);
  if (!list.is_array() || list.empty()) {
    user_error(c.file.string(), ": class_names is no list of names");
  }
  return std::ssize(list);
}

// Returns the encoder settings from the metadata. norm_eps is the default if the metadata lack it.
EncoderSettings encoder_of(const ClassifierCheckpoint& c) {
  EncoderSettings encoder;
  encoder.depth = static_cast<int>(whole(c, "depth", 10, 1000));
  encoder.width = static_cast<int>(whole(c, "width", 1, 1000));
  if (c.metadata.contains("norm_eps")) {
    encoder.norm_eps = number_of<double>(c.metadata, "norm_eps", c.file);
  }
  return encoder;
}

DType precision_of(const std::string& name) {
  return name == "bf16" ? DType::bf16 : DType::f32;
}

}  // namespace

std::optional<fs::path> run_of(const fs::path& path) {
  if (is_folder(path)) return path;
  const fs::path folder = absolute_path(path).parent_path();
  const fs::path run = folder.parent_path();
  if (folder.filename() != "checkpoints" || !is_file(run / "config.toml")) return std::nullopt;
  return run;
}

ClassifierCheckpoint find_classifier(const fs::path& path) {
  ClassifierCheckpoint found;
  found.run = run_of(path);
  if (is_folder(path)) {
    found.file = newest_checkpoint(path);
  } else {
    if (path_kind(path) == PathKind::missing) {
      user_error(path.string(), ": not found, expected a run folder or a checkpoint");
    }
    found.file = path;
  }
  found.metadata = read_checkpoint_metadata(found.file);
  found.kind = kind_of(found.metadata, found.file);
  return found;
}

ClassifierSettings settings_of(const ClassifierCheckpoint& c) {
  ClassifierSettings s;
  s.classes = class_count(c);
  s.step = whole(c, "step", 0, std::int64_t{1} << 40);
  s.data.dataset = value_of(c.metadata, "dataset");
  s.precision = precision_of(value_of(c.metadata, "precision"));
  const bool own_config = c.run && c.kind == Kind::classifier;
  if (c.run) {
    s.image_cache = RunFolder::image_cache(*c.run);
    const fs::path config = *c.run / "config.toml";
    const auto take = [&](const auto& settings) {
      s.data = settings.data;
      s.precision = precision_of(std::string(name_of(settings.precision)));
    };
    if (own_config) {
      const ClassifierConfig settings = read_classifier_config(config);
      take(settings);
      s.encoder = settings.model;
    } else {
      take(read_generator_config(config));
    }
  }
  if (!own_config) s.encoder = encoder_of(c);
  s.image_size = s.data.image_size == 0 ? kOwnSide : s.data.image_size;
  if (c.metadata.contains("image_size")) s.image_size = whole(c, "image_size", 4, 4096);
  return s;
}

std::vector<std::string> class_names_of(const ClassifierCheckpoint& c) {
  const std::string written = value_of(c.metadata, "class_names");
  const auto list = nlohmann::json::parse(written, nullptr, /*allow_exceptions=*/false);
  if (c.kind != Kind::classifier || written.empty() || list.is_array()) {
    return class_names_of(c.metadata, c.file);
  }
  // An old checkpoint of a classifier separates the names by commas.
  std::vector<std::string> names;
  std::istringstream words(written);
  for (std::string name; std::getline(words, name, ',');) names.push_back(name);
  if (const std::int64_t classes = class_count(c); std::ssize(names) != classes) {
    user_error(shown(c.file), ": class_names has ", names.size(), " names, expected ", classes);
  }
  return names;
}

void check_classes(const ClassifierCheckpoint& c, const std::vector<std::string>& names) {
  const std::string written = value_of(c.metadata, "class_names");
  if (has_classes(written, names)) return;
  constexpr std::size_t kMost = 200;
  const std::string known = written.size() <= kMost ? written : written.substr(0, kMost) + "...";
  user_error(shown(c.file), ": the classifier knows the classes ", known,
             ", but the classes of the images are ", short_list(names),
             "; expected the classifier's classes");
}

WideResNet load_classifier(const ClassifierCheckpoint& c, const ClassifierSettings& settings,
                           Device device) {
  return load_wide_resnet(c.file, prefix_of(c.kind),
                          encoder_config(settings.encoder, settings.classes), DType::f32, device);
}

}  // namespace scimix

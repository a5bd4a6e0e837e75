// scimix_export RUN --out model.onnx: a trained network as an ONNX model.

#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "core/atomic_file.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"
#include "exporter/onnx_networks.hpp"
#include "tools/command_line/cli.hpp"
#include "tools/command_line/program.hpp"
#include "tools/command_line/version.hpp"
#include "tools/eval/trained_classifier.hpp"
#include "trainers/generator_checkpoint.hpp"

namespace scimix {
namespace {

using Kind = ClassifierCheckpoint::Kind;

struct ExportSettings {
  std::string run;
  std::string out;
  std::string input = "u8";
  std::string part = "auto";
};

OnnxType parse_input(const std::string& word) {
  if (word == "u8") return OnnxType::u8;
  if (word == "float") return OnnxType::f32;
  user_error("--input ", shown(word), ": expected u8 or float");
}

void check_part(const std::string& word) {
  if (word == "auto" || word == "generator" || word == "classifier") return;
  user_error("--part ", shown(word), ": expected auto, generator or classifier");
}

// Returns whether the run's generator is wanted, as opposed to a classifier.
bool wants_generator(const std::string& part, const ClassifierCheckpoint& checkpoint) {
  if (part == "classifier") return false;
  const bool has_generator = checkpoint.kind == Kind::generator;
  if (part == "generator" && !has_generator) {
    user_error("--part generator: ", shown(checkpoint.file), " holds a classifier");
  }
  return has_generator;
}

void check_output(const std::string& out) {
  if (!out.ends_with(".onnx")) {
    user_error("--out ", shown(out), ": expected a name that ends in .onnx");
  }
  if (path_kind(out) != PathKind::missing) {
    user_error("--out ", shown(out), ": exists, expected the name of a new file");
  }
}

int export_network(const ExportSettings& s) {
  const OnnxType type = parse_input(s.input);
  check_part(s.part);
  check_output(s.out);
  remove_leftovers(parent_folder(s.out), std::filesystem::path(s.out).filename().native());
  AtomicFile file(s.out);  // finds out first whether the folder can be written
  const ClassifierCheckpoint checkpoint = find_classifier(s.run);
  const bool generator = wants_generator(s.part, checkpoint);
  OnnxGraph graph(generator ? "scimix-generator" : "scimix-classifier");
  const ClassifierSettings settings = settings_of(checkpoint);
  if (generator) {
    add_generator(graph, load_generator(checkpoint.file, kCpu).networks, type);
  } else {
    add_classifier(graph, load_classifier(checkpoint, settings, kCpu), settings.image_size, type);
  }
  graph.metadata("class_names", nlohmann::json(class_names_of(checkpoint)).dump());
  graph.metadata("step", std::to_string(settings.step));
  graph.metadata("pixels", type == OnnxType::u8 ? "0 to 255" : "0 to 1");
  graph.metadata("scimix_version", version_number());
  const std::string bytes = graph.serialized();
  file.write(bytes);
  file.commit_new();
  std::cout << fmt::format("{} of {}, step {}\n{}: {:.1f} MB\n",
                           generator ? "generator" : "classifier", shown(checkpoint.file),
                           settings.step, shown(s.out), static_cast<double>(bytes.size()) / 1e6);
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  CLI::App app(
      "Writes a trained network as an ONNX model, which ONNX Runtime and other libraries run "
      "without SciMix. The batch may have any size. The weights are the averaged ones (EMA), which "
      "evaluations use.",
      "scimix_export");
  ExportSettings s;
  use_setting_defaults(app);
  app.add_option("run", s.run, "run folder or checkpoint of scimix_train classifier or generator")
      ->required();
  app.add_option("--out", s.out, "the file to write, NAME.onnx; one that exists is never replaced")
      ->required()
      ->check(not_empty());
  app.add_option(
      "--input", s.input,
      "element type of the images: u8 (0 to 255) or float (0 to 1); the model normalises them");
  app.add_option(
      "--part", s.part,
      "which network of a generator's run is exported: generator (inputs content and scene, output "
      "hybrid) or classifier (input image, outputs logits and probabilities); auto: the network "
      "that the run trained");
  if (const auto done = parse(app, arguments)) return *done;
  return export_network(s);
}

}  // namespace
}  // namespace scimix

int main(int argc, char** argv) {
  const scimix::Program program{
      .name = "scimix_export",
      .summary = "write a trained network as an ONNX model",
      .commands = {{"", "RUN --out NAME.onnx [options]", "", scimix::run}}};
  return scimix::run_program("scimix_export", [&] {
    return scimix::run_commands(program, {argv + 1, argv + argc});
  });
}

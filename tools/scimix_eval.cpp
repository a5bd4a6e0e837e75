// scimix_eval transfer [options]: how well hybrids carry the class of one parent and the scene of
// the other (Sun et al. 2022, Fig. 3b).

#include <fmt/format.h>

#include <array>
#include <iostream>

#include "core/atomic_file.hpp"
#include "core/device.hpp"
#include "core/error.hpp"
#include "core/names.hpp"
#include "data/image_io.hpp"
#include "tools/cli.hpp"
#include "tools/oracle.hpp"
#include "tools/run_options.hpp"
#include "tools/transfer_inputs.hpp"
#include "tools/transfer_report.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/mixers.hpp"
#include "trainers/pixels.hpp"

namespace {

using scimix::TransferSettings;

constexpr int kExitInterrupted = 130;

constexpr const char* kUsage =
    "usage: scimix_eval transfer --generator RUN [options]\n"
    "\n"
    "  transfer   s_c and s_r of hybrids, beside MixUp, AdaIN and FDA\n"
    "\n"
    "scimix_eval COMMAND --help lists the options of a command.\n";

void add_options(CLI::App& app, TransferSettings& s) {
  scimix::use_setting_defaults(app);
  app.add_option("--generator", s.generator, "run folder or checkpoint of scimix_train generator")
      ->required();

  const std::string data = "Data (default: that of the generator's run)";
  app.add_option("--dataset", s.dataset, "test images of this data set")->group(data);
  app.add_option("--data-dir", s.data_dir, "folder of the data set (not for digits)")->group(data);
  app.add_option("--data-seed", s.data_seed, "digits drawn, folder images held out")
      ->group(data)
      ->check(scimix::whole_seed());
  app.add_option("--digits-train", s.digits_train, "digits: images to train an oracle on")
      ->group(data);
  app.add_option("--digits-test", s.digits_test, "digits: test images")->group(data);
  app.add_flag("--resize", s.resize, "bring images of another data set to the generator's size")
      ->group(data);

  const std::string oracle = "Oracle";
  app.add_option("--oracle", s.oracle,
                 "run folder of scimix_train classifier with all labels; trained there if it does "
                 "not exist (default runs/DATASET-oracle-SIZE)")
      ->group(oracle);
  app.add_option("--oracle-config", s.oracle_config,
                 "settings to train one with; default: a small one, enough for digits")
      ->group(oracle);

  const std::string measure = "Measurement";
  app.add_option("--pairs", s.pairs, "pairs of test images; 0: as many as there are images")
      ->group(measure)
      ->check(CLI::NonNegativeNumber);
  app.add_option("--seed", s.seed, "which pairs, and MixUp's shares")
      ->group(measure)
      ->check(scimix::whole_seed());
  app.add_option("--fda-band", s.fda_band, "FDA: share of the spectrum's side, below 0.5")
      ->group(measure)
      ->check(CLI::Range(0.0, 0.4999));
  app.add_option("--batch", s.batch, "images at a time")
      ->group(measure)
      ->check(CLI::PositiveNumber);
  app.add_option("--device", s.device, "auto, cpu, cuda:N")->group(measure);

  const std::string output = "Output";
  app.add_option("--json", s.json, "write the numbers to this file too")->group(output);
  app.add_option("--grid", s.grid,
                 "write a picture: content, scene, SciMix, MixUp, AdaIN, FDA in columns")
      ->group(output);
  app.add_option("--grid-pairs", s.grid_pairs, "rows of the picture")
      ->group(output)
      ->check(CLI::Range(1, 1000));
}

struct NamedMixer {
  std::string name;
  scimix::Mixer mixer;
};

std::vector<NamedMixer> all_mixers(const TransferSettings& s,
                                   const scimix::TrainedGenerator& generator) {
  return {{"SciMix", scimix::scimix_mixer(generator.networks)},
          {"MixUp", scimix::mixup_mixer(s.seed)},
          {"AdaIN", scimix::adain_mixer()},
          {"FDA", scimix::fda_mixer(s.fda_band)}};
}

// The first pairs as every mixer mixes them.
void write_picture(const TransferSettings& s, const std::vector<NamedMixer>& mixers,
                   const scimix::ResidentSet& images, const scimix::Pairs& pairs,
                   std::int64_t side) {
  const auto rows = std::min(static_cast<std::size_t>(s.grid_pairs), pairs.content.size());
  const auto take = [&](const std::vector<std::int32_t>& indices) {
    return images.plain(std::span(indices).first(rows), scimix::DType::f32).images.value();
  };
  const scimix::Tensor x_c = take(pairs.content);
  const scimix::Tensor x_r = take(pairs.scene);
  std::vector<scimix::Tensor> columns{x_c, x_r};
  for (const NamedMixer& mixer : mixers) columns.push_back(mixer.mixer(x_c, x_r, 0));
  scimix::write_grid(s.grid, scimix::side_by_side(columns), side, side, std::ssize(columns),
                     /*scale=*/side < 64 ? 3 : 1);
}

void write_json(const std::string& path, const nlohmann::ordered_json& json) {
  scimix::AtomicFile file(path);
  file.write(json.dump(2) + "\n");
  file.commit();
}

// Trains an oracle if there is none. False when that was interrupted.
bool have_oracle(const TransferSettings& s, const scimix::DataSettings& data,
                 const std::filesystem::path& folder) {
  if (std::filesystem::exists(folder)) return true;
  std::cout << fmt::format("no oracle in {}: training one on all labels\n", folder.string());
  std::cout.flush();
  return scimix::train_oracle(scimix::oracle_settings(s, data, folder), std::cout, std::cerr);
}

std::string train_hash_of(const scimix::TrainedGenerator& generator) {
  const auto it = generator.metadata.find("train_hash");
  return it == generator.metadata.end() ? "unknown" : it->second;
}

// Today's test images might have been among those.
void note_other_images(const std::string& what, const std::string& trained_on,
                       const std::string& here) {
  if (trained_on == here) return;
  std::cout << fmt::format("note: the {} was trained on other images (hash {}, here {})\n", what,
                           trained_on, here);
}

int transfer(const TransferSettings& s) {
  const scimix::Device device = scimix::parse_device(s.device);
  scimix::select_device(device);
  const scimix::TrainedGenerator generator = scimix::load_generator(s.generator, device);
  const scimix::EvaluationData data = scimix::load_evaluation_data(s, generator);
  const scimix::ImageSet& test = data.dataset.test;
  const scimix::Pairs pairs =
      scimix::make_pairs(s.pairs == 0 ? test.count : s.pairs, test.count, s.seed);
  const std::filesystem::path folder = scimix::oracle_folder(s, data.settings);
  if (!have_oracle(s, data.settings, folder)) return kExitInterrupted;
  const scimix::Oracle oracle = scimix::load_oracle(folder, data.dataset.class_names, device);

  const std::string train_hash = scimix::content_hash(data.dataset.train);
  note_other_images("generator", train_hash_of(generator), train_hash);
  note_other_images("oracle", oracle.train_hash, train_hash);
  const scimix::ResidentSet images(test, device);
  const scimix::Evaluation real =
      scimix::evaluate(oracle.network, images, s.batch, scimix::DType::f32);
  std::cout << fmt::format("generator {}\noracle {}: {:.2f}% on {} real test images\n",
                           generator.checkpoint.string(), oracle.checkpoint.string(),
                           100.0 * real.accuracy, real.images);
  std::cout << fmt::format("{} pairs of test images, 95% intervals\n\n", pairs.content.size());
  std::cout.flush();

  const std::vector<NamedMixer> mixers = all_mixers(s, generator);
  std::vector<scimix::MethodTransfer> found;
  for (const NamedMixer& mixer : mixers) {
    found.push_back({mixer.name, scimix::measure_transfer(mixer.mixer, oracle.network, images,
                                                          pairs, s.batch)});
  }
  scimix::print_transfer(std::cout, found, data.dataset.classes());
  if (!s.json.empty()) {
    write_json(s.json, {{"generator", generator.checkpoint.string()},
                        {"oracle", oracle.checkpoint.string()},
                        {"oracle_accuracy", real.accuracy},
                        {"dataset", data.settings.dataset},
                        {"seed", s.seed},
                        {"fda_band", s.fda_band},
                        {"methods", scimix::transfer_json(found)}});
  }
  if (!s.grid.empty()) write_picture(s, mixers, images, pairs, test.height);
  return 0;
}

int run(std::vector<std::string> arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h") {
    std::cout << kUsage;
    return arguments.empty() ? scimix::kExitUserError : 0;
  }
  const std::string command = arguments[0];
  arguments.erase(arguments.begin());
  static const std::array<std::string, 1> commands{"transfer"};
  if (command != commands[0]) {
    scimix::user_error("unknown command ", command, "; did you mean ",
                       scimix::nearest_name(command, commands), "?");
  }
  CLI::App app("How well hybrids carry the class of one image and the scene of another.",
               "scimix_eval transfer");
  TransferSettings settings;
  add_options(app, settings);
  if (const auto done = scimix::parse(app, arguments)) return *done;
  return transfer(settings);
}

}  // namespace

int main(int argc, char** argv) {
  return scimix::run_program("scimix_eval", [&] { return run({argv + 1, argv + argc}); });
}

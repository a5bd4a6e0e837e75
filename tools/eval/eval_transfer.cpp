#include "tools/eval/eval_transfer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>

#include "core/device.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"
#include "core/result_file.hpp"
#include "data/image_io.hpp"
#include "report/run_folder.hpp"
#include "tools/command_line/cli.hpp"
#include "tools/command_line/json_file.hpp"
#include "tools/command_line/result_folder.hpp"
#include "tools/eval/oracle.hpp"
#include "tools/eval/test_images.hpp"
#include "tools/eval/transfer_inputs.hpp"
#include "tools/eval/transfer_report.hpp"
#include "tools/train/train_command.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/generator_evaluation.hpp"
#include "trainers/hybrid_diversity.hpp"
#include "trainers/linear_probe.hpp"
#include "trainers/mixers.hpp"
#include "trainers/pixels.hpp"

namespace scimix {

namespace {

void add_options(CLI::App& app, TransferSettings& s) {
  use_setting_defaults(app);
  app.add_option("--generator", s.generator, "run folder or checkpoint of scimix_train generator")
      ->required();

  add_data_choice(app, s.data, "the generator", "images to train an oracle on");

  const std::string oracle = "Oracle";
  app.add_option(
         "--oracle", s.oracle,
         "run folder of scimix_train classifier with all labels; trained there if it does "
         "not exist (default runs/DATASET-oracle-SIZE, of a folder with a part of its hash)")
      ->group(oracle);
  app.add_option("--oracle-config", s.oracle_config,
                 "settings to train one with; default: a small one, enough for digits")
      ->group(oracle);

  const std::string measure = "Measurement";
  check_number(
      app.add_option("--pairs", s.pairs, "pairs of test images; 0: as many as there are images")
          ->group(measure),
      {.least = 0});
  check_number(app.add_option("--seed", s.seed, "which pairs, and MixUp's shares")->group(measure));
  check_number(
      app.add_option("--fda-band", s.fda_band, "FDA: share of the spectrum's side, below 0.5")
          ->group(measure),
      {.least = 0, .most = 0.4999});
  add_batch_and_device(app, measure, s.batch, s.device);

  const std::string output = "Output";
  app.add_option("--json", s.json, "write the numbers to this file too")
      ->group(output)
      ->check(not_empty());
  app.add_option("--grid", s.grid,
                 "write a picture: content, scene, SciMix, MixUp, AdaIN, FDA in columns")
      ->group(output)
      ->check(not_empty());
  check_number(app.add_option("--grid-pairs", s.grid_pairs, "rows of the picture, at most 1000")
                   ->group(output),
               {.least = 1, .most = 1000});
}

struct NamedMixer {
  std::string name;
  Mixer mixer;
};

std::vector<NamedMixer> all_mixers(const TransferSettings& s, const TrainedGenerator& generator) {
  return {{"SciMix", scimix_mixer(generator.networks)},
          {"MixUp", mixup_mixer(s.seed)},
          {"AdaIN", adain_mixer()},
          {"FDA", fda_mixer(s.fda_band)}};
}

// The first pairs as every mixer mixes them.
void write_picture(const TransferSettings& s, const std::vector<NamedMixer>& mixers,
                   const ResidentSet& images, const Pairs& pairs, std::int64_t side) {
  const std::int64_t count = std::min(s.grid_pairs, std::ssize(pairs.content));
  const auto columns = [&](const Tensor& x_c, const Tensor& x_r, std::int64_t first) {
    std::vector<Tensor> all{x_c, x_r};
    for (const NamedMixer& mixer : mixers) all.push_back(mixer.mixer(x_c, x_r, first));
    return all;
  };
  const std::vector<std::uint8_t> pixels =
      grid_of_pairs(images, pairs, count, evaluation_batch(s.batch, images), DType::f32, columns);
  write_grid(s.grid, pixels, side, side, std::ssize(mixers) + 2, /*scale=*/side < 64 ? 3 : 1);
}

// Trains an oracle if there is none. False when that was interrupted.
bool have_oracle(const TransferSettings& s, const DataSettings& data,
                 const std::filesystem::path& folder) {
  if (path_kind(folder) != PathKind::missing) {
    if (is_file(folder / "config.toml") && !RunFolder::open(folder).latest_checkpoint()) {
      check_not_in_training(folder);
      user_error(shown(folder),
                 ": this oracle's training was stopped before its first checkpoint; remove the "
                 "folder, and this command trains a new oracle");
    }
    return true;
  }
  std::cout << fmt::format("no oracle in {}: training one on all labels\n", folder.string());
  std::cout.flush();
  return train_oracle(oracle_settings(s, data, folder), std::cout, std::cerr);
}

std::string train_hash_of(const TrainedGenerator& generator) {
  const auto it = generator.metadata.find("train_hash");
  return it == generator.metadata.end() ? "unknown" : it->second;
}

// The codes that a probe learns from take at most this much memory, and so do those that it is
// tested on.
constexpr std::int64_t kProbeBytes = std::int64_t{256} << 20;

// The class accuracy on test images of a linear probe of z_r that learnt from training images.
double class_in_scene_codes(const TransferSettings& s, const TrainedGenerator& generator,
                            const Dataset& data, const ResidentSet& test, Device device) {
  const std::int64_t batch = evaluation_batch(s.batch, test);
  constexpr std::array<std::int32_t, 1> kFirst{0};
  const LabeledCodes one = scene_codes(generator.networks, test, kFirst, batch);
  const std::int64_t row_bytes = one.codes.dim(1) * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t most = std::max<std::int64_t>(kProbeBytes / row_bytes, 1);
  const LabeledCodes tested =
      scene_codes(generator.networks, test, images_for_probe(data.test.labels, most), batch);
  const ResidentSet train(data.train, device);
  const LabeledCodes learnt =
      scene_codes(generator.networks, train, images_for_probe(data.train.labels, most), batch);
  return linear_probe_accuracy(learnt, tested, data.classes(), {.seed = s.seed});
}

TransferCauses measure_causes(const TransferSettings& s, const TrainedGenerator& generator,
                              const Dataset& data, const ResidentSet& test, const Pairs& pairs,
                              Device device) {
  const std::int64_t batch = evaluation_batch(s.batch, test);
  const Mixer mixer = scimix_mixer(generator.networks);
  const WideResNet& own = generator.networks.semantic_encoder();
  return {.own = measure_transfer(mixer, own, test, pairs, batch),
          .own_accuracy = evaluate(own, test, batch, DType::f32).accuracy,
          .scene_probe = class_in_scene_codes(s, generator, data, test, device),
          .diversity = measure_diversity(mixer, test, data.test.labels, s.seed)};
}

// More pairs than these would repeat some, and the intervals would be too narrow.
void check_pairs(std::int64_t pairs, std::int64_t images) {
  if (images < 2 || pairs <= images * (images - 1)) return;  // make_pairs refuses fewer than 2
  user_error("--pairs ", pairs, ": ", images, " test images make ", images * (images - 1),
             " different pairs, expected at most so many");
}

int transfer(const TransferSettings& s) {
  const Device device = parse_device(s.device);
  select_device(device);
  const TrainedGenerator generator = load_generator(s.generator, device);
  const EvaluationData data = load_transfer_data(s, generator);
  const ImageSet& test = data.dataset.test;
  check_pairs(s.pairs, test.count);
  const Pairs pairs = make_pairs(s.pairs == 0 ? test.count : s.pairs, test.count, s.seed);
  const std::filesystem::path folder = oracle_folder(s, data);
  if (!have_oracle(s, data.settings, folder)) return kExitInterrupted;
  const Oracle oracle = load_oracle(folder, data.dataset.class_names, test.height, device);

  for (const std::string& note : data.dataset.notes) std::cout << "note: " << note << '\n';
  const std::string train_hash = content_hash(data.dataset.train);
  note_other_images(std::cout, "generator", train_hash_of(generator), train_hash);
  note_other_images(std::cout, "oracle", oracle.train_hash, train_hash);
  const ResidentSet images(test, device);
  const std::int64_t batch = evaluation_batch(s.batch, images);
  const Evaluation real = evaluate(oracle.network, images, batch, DType::f32);
  std::cout << fmt::format("generator {}\noracle {}: {:.2f}% on {} real test images\n",
                           generator.checkpoint.string(), oracle.checkpoint.string(),
                           100.0 * real.accuracy, real.images);
  std::cout << fmt::format("{} pairs of test images, 95% intervals\n", pairs.content.size());
  if (s.pairs > test.count) {
    std::cout << fmt::format(
        "note: an image is in several of the {} pairs of {} images; the intervals treat pairs as "
        "independent, so they are somewhat too narrow\n",
        s.pairs, test.count);
  }
  std::cout << '\n';
  std::cout.flush();

  const std::vector<NamedMixer> mixers = all_mixers(s, generator);
  std::vector<MethodTransfer> found;
  for (const NamedMixer& mixer : mixers) {
    found.push_back(
        {mixer.name, measure_transfer(mixer.mixer, oracle.network, images, pairs, batch)});
  }
  print_transfer(std::cout, found, data.dataset.classes());
  const TransferCauses causes = measure_causes(s, generator, data.dataset, images, pairs, device);
  print_causes(std::cout, causes, found.front().transfer, data.dataset.classes());
  if (!s.json.empty()) {
    write_json(s.json, {{"generator", generator.checkpoint.string()},
                        {"oracle", oracle.checkpoint.string()},
                        {"oracle_accuracy", real.accuracy},
                        {"dataset", data.settings.dataset},
                        {"seed", s.seed},
                        {"fda_band", s.fda_band},
                        {"methods", transfer_json(found)},
                        {"causes", causes_json(causes)}});
  }
  if (!s.grid.empty()) write_picture(s, mixers, images, pairs, test.height);
  return 0;
}

}  // namespace

int eval_transfer(const std::vector<std::string>& arguments) {
  CLI::App app("How well hybrids carry the class of one image and the scene of another.",
               "scimix_eval transfer");
  TransferSettings settings;
  add_options(app, settings);
  if (const auto done = parse(app, arguments)) return *done;
  check_apart({{"--json", settings.json}, {"--grid", settings.grid}});
  if (!settings.json.empty()) check_result_file("--json", settings.json, "\"oracle_accuracy\"");
  if (!settings.grid.empty()) check_result_file("--grid", settings.grid, kPngMark);
  return transfer(settings);
}

}  // namespace scimix

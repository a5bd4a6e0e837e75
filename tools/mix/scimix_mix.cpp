// scimix_mix: puts the class of one image into the scene of another, with a trained generator.

#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <system_error>

#include "core/device.hpp"
#include "core/error.hpp"
#include "core/threads.hpp"
#include "tools/command_line/cli.hpp"
#include "tools/command_line/program.hpp"
#include "tools/eval/test_images.hpp"
#include "tools/mix/mix_images.hpp"
#include "tools/mix/mix_output.hpp"
#include "tools/mix/mix_pairs.hpp"
#include "trainers/generator_checkpoint.hpp"

namespace {

struct MixSettings {
  std::string generator;
  std::string content;
  std::string scene;
  std::string out;
  std::string pairing = "random";
  std::int64_t count = 0;
  std::uint64_t seed = 0;
  bool keep_agreeing = false;
  bool resize = false;
  std::string data_dir;
  scimix::DatasetOptions dataset;
  std::int64_t batch = 250;
  std::string device = "auto";
};

// Returns whether two sources have the same images: also if they are one folder, spelt in two ways.
bool same_source(const std::string& one, const std::string& other) {
  std::error_code missing;  // a data set such as cifar10:test is no path
  return one == other || std::filesystem::equivalent(one, other, missing);
}

void add_options(CLI::App& app, MixSettings& s) {
  scimix::use_setting_defaults(app);
  const char* source = "a folder of images, a folder of one folder per class, or cifar10:test ...";
  app.add_option("--generator", s.generator, "run folder or checkpoint of scimix_train generator")
      ->required();
  app.add_option("--content", s.content, std::string("the images whose class is kept: ") + source)
      ->required();
  app.add_option("--scene", s.scene, "the images whose scene is kept, in the same forms")
      ->required();
  app.add_option("--out", s.out,
                 "NAME.npy, NAME.safetensors, NAME.png (a picture with the parents), or a new "
                 "folder NAME for one PNG per hybrid, which NAME.tsv lists; a file that scimix_mix "
                 "did not write is never replaced")
      ->required()
      ->check(scimix::not_empty());

  const std::string pairs = "Pairs";
  app.add_option("--pairing", s.pairing,
                 "random (a random scene for each content), in-order (content i with scene i), all "
                 "(every content with every scene)")
      ->group(pairs);
  scimix::check_number(
      app.add_option(
             "--count", s.count,
             "number of pairs; 0: one per content (in-order: per image of the longer list; all: "
             "every pair)")
          ->group(pairs),
      {.least = 0});
  scimix::check_number(app.add_option("--seed", s.seed, "seed of the random scenes")->group(pairs));
  app.add_flag("--keep-agreeing", s.keep_agreeing,
               "keep only hybrids to which the generator's classifier assigns the content's class")
      ->group(pairs);

  const std::string images = "Images";
  app.add_flag("--resize", s.resize, "resize images of another size to the generator's size")
      ->group(images);
  app.add_option("--data-dir", s.data_dir, "folder of a data set (not for digits)")->group(images);
  app.add_flag("--skip-unreadable", s.dataset.skip_unreadable,
               "leave out images of a folder that cannot be read, and say how many")
      ->group(images);
  scimix::check_number(
      app.add_option("--data-seed", s.dataset.data_seed, "seed of the drawn digits")
          ->group(images));
  scimix::check_number(
      app.add_option("--digits-train", s.dataset.digits_train, "number of images of digits:train")
          ->group(images),
      {.least = 10});
  scimix::check_number(
      app.add_option("--digits-test", s.dataset.digits_test, "number of images of digits:test")
          ->group(images),
      {.least = 10});

  scimix::add_batch_and_device(app, "Computation", s.batch, s.device);
}

int mix(const MixSettings& s) {
  const std::filesystem::path out = s.out;
  const scimix::Pairing pairing = scimix::parse_pairing(s.pairing);
  scimix::check_output(out);
  // A filter may leave fewer hybrids than pairs.
  if (!s.keep_agreeing) scimix::check_count(out, s.count);
  const scimix::Device device = scimix::parse_device(s.device);
  scimix::select_device(device);
  const scimix::TrainedGenerator generator = scimix::load_generator(s.generator, device);

  const scimix::ImageSourceOptions options{
      .image_size = generator.networks.config().generator.image_size,
      .resize = s.resize,
      .data_dir = s.data_dir,
      .dataset = s.dataset};
  const scimix::ImageSource content = scimix::load_image_source(s.content, options);
  const scimix::ImageSource scene = scimix::load_image_source(s.scene, options);
  for (const scimix::ImageSource* source : {&content, &scene}) {
    for (const std::string& note : source->notes) std::cout << "note: " << note << '\n';
  }
  const auto labels = scimix::labels_for(content, generator.class_names);
  scimix::check_class_names(out, content.class_names);
  const scimix::Pairs pairs = scimix::pair_images(pairing,
                                                  {.contents = content.images.count,
                                                   .scenes = scene.images.count,
                                                   .same = same_source(s.content, s.scene)},
                                                  s.count, s.seed);
  if (!s.keep_agreeing) scimix::check_count(out, std::ssize(pairs.content));
  std::cout << fmt::format("generator {}\n{} contents, {} scenes, {} pairs on {}\n",
                           generator.checkpoint.string(), content.images.count, scene.images.count,
                           pairs.content.size(), scimix::describe(device));
  std::cout.flush();

  const scimix::MixedImages hybrids =
      scimix::mix_images(generator.networks, content.images, labels, scene.images, pairs,
                         {.keep_agreeing = s.keep_agreeing, .batch = s.batch}, device);
  scimix::write_hybrids(out, hybrids,
                        {.content = content,
                         .scene = scene,
                         .class_names = generator.class_names,
                         .every_pair = pairing == scimix::Pairing::all});
  if (s.keep_agreeing) {
    std::cout << fmt::format("kept {} of {} hybrids, which have the class of their content\n",
                             hybrids.count(), hybrids.mixed);
  }
  std::cout << fmt::format("{} hybrids in {}\n", hybrids.count(), scimix::describe_output(out));
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  CLI::App app("Puts the class of one image into the scene of another.", "scimix_mix");
  MixSettings settings;
  add_options(app, settings);
  if (const auto done = scimix::parse(app, arguments)) return *done;
  return mix(settings);
}

}  // namespace

int main(int argc, char** argv) {
  scimix::restart_with_short_waits(argv);
  const scimix::Program program{
      .name = "scimix_mix",
      .summary = "put the class of one image into the scene of another",
      .commands = {
          {"", "--generator RUN --content IMAGES --scene IMAGES --out PATH [options]", "", run}}};
  return scimix::run_program("scimix_mix", [&] {
    return scimix::run_commands(program, {argv + 1, argv + argc});
  });
}

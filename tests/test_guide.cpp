// A generator that starts from a trained classifier, its guide: E_c and C are the guide, other
// classifiers are refused, and a run that trains its guide first resumes bit for bit.
#include <doctest/doctest.h>

#include <csignal>
#include <optional>

#include "autograd/tape.hpp"
#include "command_line.hpp"
#include "tiny_runs.hpp"
#include "trainers/guide.hpp"
#include "user_errors.hpp"

using namespace scimix;
using namespace scimix::test;

namespace {

// Networks and data of small runs of both kinds.
const Words kSmall = words_of(
    "--dataset digits --digits-train 100 --digits-test 40 --image-size 16 --crop-pad 2 "
    "--labels 20 --depth 10 --width 1 --batch 4 --device cpu --norm-momentum 0.1 --ema-decay 0.9 "
    "--log-every 2 --eval-every 1000 --checkpoint-every 2");

Words classifier(const std::string& out, const Words& more = {}) {
  return Words{"classifier", "--out", out, "--method", "mean-teacher", "--steps", "6"} + kSmall +
         more;
}

Words generator(const std::string& out, const Words& more = {}) {
  return Words{"generator", "--out", out} +
         words_of(
             "--g-channels 4 --g-max-channels 4 --d-channels 4 --d-max-channels 4 "
             "--eval-pairs 10 --sample-pairs 2 --steps 4") +
         kSmall + more;
}

std::string last_checkpoint(const std::string& run) {
  const auto newest = RunFolder::open(run).latest_checkpoint();
  REQUIRE(newest.has_value());
  return read_bytes(*newest);
}

GeneratorRunConfig config_like_small() {
  GeneratorRunConfig config = tiny_generator_config();
  config.data.labels = "20";
  config.batch = 4;
  config.g_channels = config.g_max_channels = 4;
  config.d_channels = config.d_max_channels = 4;
  return config;
}

RunInputs inputs_like_small(std::uint64_t split_seed = 0, std::int64_t labels = 20,
                            const DatasetOptions& options = {
                                .size = 16, .digits_train = 100, .digits_test = 40}) {
  Dataset set = load_dataset("digits", "", options);
  Split split = make_split(set, labels, split_seed);
  return {.device = kCpu, .dataset = std::move(set), .split = std::move(split)};
}

std::vector<double> logits_of(const WideResNet& network, const Variable& images) {
  const NoGrad constant;
  return network.forward(images, {.mode = NormMode::eval}).logits.value().to_doubles();
}

}  // namespace

TEST_CASE("E_c and C of a guided generator are the guide, with its running statistics") {
  const TempFolder folder;
  const std::string guide = (folder / "guide").string();
  train(classifier(guide));
  const RunInputs inputs = inputs_like_small();
  GeneratorRunConfig config = config_like_small();
  config.guide.run = guide;
  const TrainedGuide found = load_matching_guide(guide, config, inputs.dataset, inputs.split, kCpu);
  CHECK(found.method == "mean-teacher");
  CHECK(found.steps == 6);

  // The classifier as its own trainer loads it.
  ClassifierConfig own = semantic_classifier(config, Method::mean_teacher);
  own.steps = 6;
  ClassifierTrainer expected(own, inputs.dataset, inputs.split, kCpu);
  expected.load(found.checkpoint);

  GeneratorTrainer trainer(config, inputs);
  const ResidentSet images(inputs.dataset.test, kCpu);
  const std::vector<std::int32_t> index{0, 1, 2, 3, 4, 5, 6, 7};
  const Variable x = images.plain(index, DType::f32).images;
  const std::vector<double> right = logits_of(expected.average(), x);
  CHECK(logits_of(trainer.average().semantic_encoder(), x) != right);
  trainer.start_from(found.network, {.method = found.method, .steps = found.steps});
  CHECK(logits_of(trainer.average().semantic_encoder(), x) == right);
  CHECK(logits_of(trainer.networks().semantic_encoder(), x) == right);
  const NoGrad constant;
  CHECK(
      trainer.networks().encode_semantic(x, {.mode = NormMode::eval}).logits.value().to_doubles() ==
      right);
  CHECK(trainer.guide()->accuracy == expected.evaluate_ema().accuracy);
}

TEST_CASE("an encoder without a learning rate stays as its guide made it, to the bit") {
  const WideResNet guide(encoder_config(tiny_generator_config().encoder, 10), /*seed=*/9, kCpu);
  const auto bits_of = [](const WideResNet& network) {
    std::vector<double> all = network.parameters().parameter_slab().flat().to_doubles();
    for (const auto& buffer : network.parameters().buffers()) {
      for (const double value : buffer.value().to_doubles()) all.push_back(value);
    }
    return all;
  };
  for (const double rate : {0.0, 0.003}) {
    CAPTURE(rate);
    GeneratorRunConfig config = config_like_small();
    config.guide.steps = 1;
    config.guide.semantic_learning_rate = rate;
    GeneratorTrainer trainer(config, inputs_like_small());
    trainer.start_from(guide, {.method = "mean-teacher", .steps = 1});
    const std::vector<double> scene =
        trainer.networks().scene_encoder().parameters().parameter_slab().flat().to_doubles();
    trainer.steps(3);
    trainer.check_finite();
    CHECK((bits_of(trainer.networks().semantic_encoder()) == bits_of(guide)) == (rate == 0));
    CHECK((bits_of(trainer.average().semantic_encoder()) == bits_of(guide)) == (rate == 0));
    CHECK(trainer.networks().scene_encoder().parameters().parameter_slab().flat().to_doubles() !=
          scene);
    const TrainingMetrics metrics = trainer.read_metrics();
    CHECK(metrics.terms[static_cast<std::size_t>(Term::supervised)].has_value());
    CHECK(metrics.terms[static_cast<std::size_t>(Term::consistency)].has_value() == (rate > 0));
  }
}

TEST_CASE("FixMatch as L_S is the FixMatch of a classifier, term by term") {
  GeneratorRunConfig config = config_like_small();
  config.unlabeled_batch = 12;  // three times the labelled images
  config.semantic_loss = SemanticLoss::fixmatch;
  config.fixmatch.threshold = 0.12;  // of ten classes: new networks pass it now and then
  config.fixmatch.cutout = 6;
  const RunInputs inputs = inputs_like_small();
  GeneratorTrainer generator(config, inputs);
  ClassifierConfig own = semantic_classifier(config, Method::fixmatch);
  own.steps = config.steps;
  ClassifierTrainer classifier(own, inputs.dataset, inputs.split, kCpu);
  // The same weights: a generator's E_c is drawn as a classifier is.
  REQUIRE(
      classifier.model().parameters().parameter_slab().flat().to_doubles() ==
      generator.networks().semantic_encoder().parameters().parameter_slab().flat().to_doubles());
  generator.step();
  classifier.step();
  const TrainingMetrics found = generator.read_metrics();
  const TrainingMetrics expected = classifier.read_metrics();
  const auto same = [&](Term here, ClassifierTerm there) {
    CAPTURE(std::string(name_of(here)));
    const auto& value = found.terms[static_cast<std::size_t>(here)];
    REQUIRE(value.has_value());
    CHECK(*value == *expected.terms[static_cast<std::size_t>(there)]);
    return *value;
  };
  same(Term::supervised, ClassifierTerm::supervised);
  CHECK(same(Term::pseudo_label, ClassifierTerm::pseudo) > 0);
  const double confident = same(Term::confident, ClassifierTerm::confident);
  CHECK(confident > 0);
  CHECK(found.accuracy == expected.accuracy);
}

TEST_CASE("a guide of other data, labels or shape is refused with one line") {
  const TempFolder folder;
  const std::string guide = (folder / "guide").string();
  train(classifier(guide, {"--steps", "2"}));
  const auto refusal = [&](const RunInputs& inputs,
                           const std::function<void(GeneratorRunConfig&)>& change = {}) {
    GeneratorRunConfig config = config_like_small();
    if (change) change(config);
    const std::string message = user_error_or_none([&] {
      static_cast<void>(load_matching_guide(guide, config, inputs.dataset, inputs.split, kCpu));
    });
    if (message.empty()) return std::string("accepted");
    CHECK(message.find('\n') == std::string::npos);
    CHECK(message.find("guide") != std::string::npos);
    return message;
  };
  CHECK(refusal(inputs_like_small()) == "accepted");
  check_has(refusal(inputs_like_small(1)),
            {"trained with 20 labels by split seed 0, expected 20 labels by split seed 1"});
  check_has(refusal(inputs_like_small(0, 40)), {"expected 40 labels by split seed 0"});
  check_has(refusal(inputs_like_small(0, 100)), {"expected all labels"});
  check_has(refusal(inputs_like_small(0, 20, {.size = 16, .digits_train = 120, .digits_test = 40})),
            {"of other training images"});
  check_has(refusal(inputs_like_small(0, 20, {.size = 32, .digits_train = 100, .digits_test = 40})),
            {"16x16 pixels, expected 32x32"});
  RunInputs renamed = inputs_like_small();
  renamed.dataset.class_names[3] = "three";
  check_has(refusal(renamed), {"0,1,2,3,4"});
  RunInputs others = inputs_like_small();
  std::swap(others.split.labeled[0], others.split.labeled[1]);
  check_has(refusal(others), {"other labelled images"});
  check_has(refusal(inputs_like_small(), [](auto& c) { c.encoder.width = 2; }),
            {"is a WideResNet-10-1, expected the generator's --depth 10 --width 2"});
  check_has(refusal(inputs_like_small(), [](auto& c) { c.encoder.norm_eps = 1e-5; }),
            {"batch norm with --norm-eps", "expected the generator's --norm-eps 1e-05"});
}

TEST_CASE("mistakes with guides get one line and exit code 2 before anything is written") {
  const TempFolder folder;
  const std::string run = (folder / "run").string();
  const auto mistake = [&](const Words& more, const Words& words) {
    check_mistake("scimix_train", generator(run, more), words);
    CHECK_FALSE(std::filesystem::exists(run));
  };
  const std::string nothing = (folder / "nothing").string();
  mistake({"--guide", nothing}, {nothing, "no run here", "scimix_train classifier"});
  mistake({"--guide", nothing, "--guide-steps", "3"}, {"--guide-steps 3", "one of the two"});
  mistake({"--unlabeled-batch", "3"}, {"--unlabeled-batch 3", "--batch"});
  mistake({"--semantic-loss", "fixmatch", "--unlabeled-batch", "101"},
          {"100 unlabelled images", "--unlabeled-batch"});
  // A frozen encoder needs fewer images than its guide, which is trained first.
  mistake({"--semantic-loss", "fixmatch", "--guide-steps", "3", "--guided-learning-rate", "0",
           "--unlabeled-batch", "101"},
          {"100 unlabelled images", "101"});
  mistake({"--semantic-loss", "fixmatch", "--image-size", "112"},
          {"--semantic-loss fixmatch", "112x112"});
  const std::string other = (folder / "other").string();
  train(generator(other, {"--guide-steps", "0", "--steps", "1"}));
  mistake({"--guide", other}, {other, "scimix-generator-2", "scimix_train classifier"});
}

TEST_CASE("a run that trains its guide is the run that is given this guide") {
  const TempFolder folder;
  const std::string whole = (folder / "whole").string();
  const std::string out = train(generator(whole, {"--guide-steps", "6"})).out;
  CHECK(out.find("guide: mean-teacher for 6 steps") != std::string::npos);
  CHECK(out.find("mean-teacher, 6 steps, right on ") != std::string::npos);
  CHECK(read_bytes(whole + "/report.html").find("mean-teacher, 6 steps") != std::string::npos);
  for (const char* file : {"config.toml", "metrics.jsonl", "report.html", "split.json"}) {
    CHECK(std::filesystem::exists(whole + "/guide/" + file));
  }

  const std::string alone = (folder / "alone").string();
  train(classifier(alone, {"--unlabeled-batch", "4"}));
  CHECK(last_checkpoint(alone) == last_checkpoint(whole + "/guide"));
  const std::string given = (folder / "given").string();
  train(generator(given, {"--guide", alone}));
  CHECK(last_checkpoint(given) == last_checkpoint(whole));

  // A guide that another run has left behind is not taken for one's own.
  for (const char* const file : {"config.toml", "metrics.jsonl", "report.html", "checkpoints"}) {
    std::filesystem::remove_all(std::filesystem::path(whole) / file);
  }
  check_mistake("scimix_train", generator(whole, {"--guide-steps", "6", "--learning-rate", "0.5"}),
                {whole + "/guide: holds a guide with other settings (--learning-rate"});
  check_has(train(generator(whole, {"--guide-steps", "6"})).out,
            {"guide, resumed after step 6: the run is finished"});
  CHECK(last_checkpoint(given) == last_checkpoint(whole));

  // Without a guide it is another run.
  const std::string none = (folder / "none").string();
  train(generator(none, {"--preset", "paper", "--scale", "cpu"}));
  CHECK_FALSE(std::filesystem::exists(none + "/guide"));
}

TEST_CASE("a run that is killed while its guide is trained resumes bit for bit" *
          doctest::test_suite("full")) {
  const TempFolder folder;
  for (const std::string loss : {"mean-teacher", "fixmatch"}) {
    CAPTURE(loss);
    const Words options{"--guide-steps", "12", "--semantic-loss", loss, "--threshold", "0.12"};
    const std::string whole = (folder / ("whole-" + loss)).string();
    train(generator(whole, options));
    for (const bool kill : {true, false}) {
      CAPTURE(kill);
      const std::string cut = (folder / ("cut-" + loss + (kill ? "-9" : "-15"))).string();
      {
        const Program program(folder, "scimix_train", generator(cut, options));
        program.wait_for_checkpoint(cut + "/guide", 4);
        program.signal(kill ? SIGKILL : SIGTERM);
        const ProgramResult result = program.wait();
        CHECK(result.exit_code == (kill ? -SIGKILL : 130));
        if (!kill) CHECK(result.out.find("--resume " + cut + "\n") != std::string::npos);
      }
      REQUIRE_FALSE(std::filesystem::exists(cut + "/checkpoints/step-00000002.safetensors"));
      train({"generator", "--resume", cut});
      CHECK(last_checkpoint(cut + "/guide") == last_checkpoint(whole + "/guide"));
      CHECK(last_checkpoint(cut) == last_checkpoint(whole));
    }
  }
}

TEST_CASE("a run with steps behind it goes on without its guide") {
  const TempFolder folder;
  const std::string guide = (folder / "guide").string();
  train(classifier(guide));
  const std::string whole = (folder / "whole").string();
  train(generator(whole, {"--guide", guide}));
  const std::string longer = (folder / "longer").string();
  train(generator(longer, {"--guide", guide}));
  std::filesystem::remove(longer + "/checkpoints/step-00000004.safetensors");
  std::filesystem::remove_all(guide);
  const std::string out = train({"generator", "--resume", longer}).out;
  CHECK(out.find("resumed after step 2") != std::string::npos);
  CHECK(out.find("guide: mean-teacher, 6 steps") != std::string::npos);
  CHECK(last_checkpoint(longer) == last_checkpoint(whole));
}

TEST_CASE("a finished guide does not claim settings that its generator goes on to use") {
  const TempFolder folder;
  const std::string run = (folder / "run").string();
  train(generator(run, {"--guide-steps", "4"}));
  std::filesystem::remove_all(run + "/checkpoints");
  std::filesystem::create_directory(run + "/checkpoints");
  const std::string out =
      train({"generator", "--resume", run, "--guided-learning-rate", "0.0001"}).out;
  CHECK(out.find("guide, resumed after step 4: the run is finished\n") != std::string::npos);
  CHECK(out.find("no effect") == std::string::npos);
}

TEST_CASE("a resumed run may train the semantic encoder at another rate, or no longer") {
  const TempFolder folder;
  const std::string guide = (folder / "guide").string();
  train(classifier(guide));
  const std::string whole = (folder / "whole").string();
  train(generator(whole, {"--guide", guide}));
  for (const char* const rate : {"0.0001", "0"}) {
    CAPTURE(rate);
    const std::string changed = (folder / rate).string();
    train(generator(changed, {"--guide", guide}));
    std::filesystem::remove(changed + "/checkpoints/step-00000004.safetensors");
    train({"generator", "--resume", changed, "--guided-learning-rate", rate});
    check_has(read_bytes(changed + "/config.toml"),
              {"\nguided-learning-rate=" + std::string(rate) + "\n"});
    CHECK(last_checkpoint(changed) != last_checkpoint(whole));
  }
}

// Whole training runs on the emulated GPU: they are the runs of the CPU up to rounding, graphs do
// not change their bits, a run that was stopped goes on as if it had not been, and several ranks by
// NCCL are one.
#include <doctest/doctest.h>

#include "differences.hpp"
#include "planted.hpp"
#include "rank_runs.hpp"
#include "skip.hpp"

using namespace scimix;
using test::apart;
using test::checkpoint;
using test::ProgramResult;
using test::read_bytes;
using test::TempFolder;
using test::train;
using test::Words;
using test::operator+;

namespace {

constexpr int kSteps =
    12;  // two of each kind before a graph is recorded, then replays of four at once

void train_together(int ranks, const Words& arguments) {
  const ProgramResult result = test::run_on_ranks(ranks, "scimix_train", arguments);
  CAPTURE(result.out);
  CAPTURE(result.error);
  REQUIRE(result.exit_code == 0);
}

using MakeRun = Words (*)(const std::string& out, const Words& more, const std::string& device);

struct Method {
  const char* name;
  MakeRun run;
  Words options;
  // Largest relative difference of the parameters between the GPU's run in f32 and the CPU's run in
  // f64, after a few steps. Rounding alone gives 1e-7. It gives more where an activation is so
  // close to 0 that the two runs see different signs: one such element of 8,000 changes a layer's
  // gradient by about 1 %. The tolerance is larger for the generator, because Adam moves a weight
  // by about the learning rate however small the gradient is.
  double tolerance = 2e-4;
  // The same between a run of several ranks and the run of one, both in f32. Sums over ranks round
  // otherwise in every step: for the generator, f32 and f64 are 1e-2 apart in E_r on a CPU. A
  // mistake is larger: without the ranks' common batch norm, a run of 4 ranks is 7e-2 from the run
  // of one, and with six tenths of the learning rate a run is 4e-2 away.
  double tolerance_of_ranks = 2e-4;
};

// The rates are small, so that differences of rounding do not grow while a few steps are made.
const Words kSmallSteps{"--steps", std::to_string(kSteps), "--learning-rate", "0.001"};

const Method kSupervised{"supervised", test::classifier_run,
                         Words{"--method", "supervised"} + kSmallSteps};
const Method kFixmatch{"fixmatch", test::classifier_run,
                       Words{"--method", "fixmatch", "--threshold", "0.2"} + kSmallSteps};
const Method kGenerator{"generator",
                        test::generator_run,
                        {"--labels", "40", "--noise", "true", "--steps", std::to_string(kSteps)},
                        5e-3,
                        2e-2};

std::vector<Method> other_methods() {
  return {
      {"mean-teacher", test::classifier_run,
       Words{"--method", "mean-teacher", "--input-noise", "0.1"} + kSmallSteps},
      {"cutmix", test::classifier_run,
       Words{"--method", "mean-teacher", "--mixer", "cutmix"} + kSmallSteps},
      {"mixup", test::classifier_run,
       Words{"--method", "mean-teacher", "--mixer", "mixup"} + kSmallSteps},
      {"labels of hybrids", test::classifier_run,
       Words{"--method", "fixmatch", "--mixer", "mixup", "--hybrid-use", "labeled"} + kSmallSteps},
      {"unfrozen generator",
       test::generator_run,
       {"--labels", "all", "--variant", "unfrozen", "--steps", std::to_string(kSteps)},
       5e-3},
  };
}

// The run on the GPU, eager and in graphs, beside the run on the CPU in f64. In f32 the CPU would
// be the less exact of the two, because it convolves by Winograd's algorithm.
void check_method(const Method& method) {
  CAPTURE(std::string(method.name));
  const TempFolder folder;
  const auto made = [&](const std::string& name, const std::string& device, const Words& more) {
    const std::string out = (folder / name).string();
    train(method.run(out, method.options + more, device));
    return checkpoint(out, kSteps);
  };
  const auto eager = made("eager", "cuda:0", {"--graph", "off"});
  const auto graphs = made("graphs", "cuda:0", {"--graph", "on"});
  CHECK(read_bytes(graphs) == read_bytes(eager));
  CHECK(apart(made("cpu", "cpu", {"--precision", "f64"}), eager) < method.tolerance);
}

// G's gradients in the last step of a generator's run: Adam's first moments, since beta1 is 0.
[[nodiscard]] Tensor last_gradients_of_g(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  std::vector<double> all;
  for (const TensorEntry& entry : file.entries()) {
    if (!entry.name.starts_with("adam1.g.")) continue;
    const std::vector<double> values = test::numbers_of(entry);
    all.insert(all.end(), values.begin(), values.end());
  }
  return Tensor::from(all, {std::ssize(all)}, DType::f64);
}

}  // namespace

TEST_CASE("emulated: a supervised run on the GPU is the run of the CPU, with graphs and without") {
  check_method(kSupervised);
}

TEST_CASE("emulated: a FixMatch run on the GPU is the run of the CPU, with graphs and without") {
  check_method(kFixmatch);
}

TEST_CASE("emulated: a generator's run on the GPU is the run of the CPU, with graphs and without") {
  check_method(kGenerator);
}

TEST_CASE("emulated: runs of all other methods on the GPU are the runs of the CPU" *
          doctest::test_suite("full")) {
  for (const Method& method : other_methods()) check_method(method);
}

TEST_CASE("emulated: hybrids of a generator on the GPU are those of the CPU" *
          doctest::test_suite("full")) {
  const TempFolder folder;
  const std::string made = (folder / "generator").string();
  train(test::generator_run(made, {"--labels", "40", "--steps", "2"}));
  check_method(
      {"scimix", test::classifier_run,
       Words{"--method", "mean-teacher", "--mixer", "scimix", "--generator", made} + kSmallSteps});
}

TEST_CASE("emulated: a run on the GPU that was stopped resumes to the same bits") {
  const TempFolder folder;
  const Words options =
      kFixmatch.options + Words{"--checkpoint-every", "6", "--keep-checkpoints", "9"};
  const std::string out = (folder / "run").string();
  train(test::classifier_run(out, options, "cuda:0"));
  const std::string expected = read_bytes(checkpoint(out, kSteps));
  std::filesystem::remove(checkpoint(out, kSteps));
  train({"classifier", "--resume", out, "--device", "cuda:0"});
  CHECK(read_bytes(checkpoint(out, kSteps)) == expected);
}

TEST_CASE("emulated: a run in bf16 or tf32 stays near the run in f32") {
  const TempFolder folder;
  const auto made = [&](const std::string& precision) {
    const std::string out = (folder / precision).string();
    train(
        test::classifier_run(out, kSupervised.options + Words{"--precision", precision}, "cuda:0"));
    return checkpoint(out, kSteps);
  };
  const auto exact = made("f32");
  const double tf32 = apart(exact, made("tf32"));
  const double bf16 = apart(exact, made("bf16"));
  CHECK(tf32 > 0);  // another arithmetic: the products do round
  CHECK(tf32 < 2e-3);
  CHECK(bf16 > tf32);
  CHECK(bf16 < 2e-2);
}

// Parameters after a few steps say little about gradients: Adam moves each by about the learning
// rate, whatever the size of its gradient. In the first step, G has the same parameters in both.
TEST_CASE("emulated: a generator's first gradients in bf16 stay near those in f32") {
  const TempFolder folder;
  const auto gradients = [&](const std::string& precision) {
    const std::string out = (folder / precision).string();
    const Words options{"--labels", "40", "--noise", "true", "--steps", "1"};
    train(test::generator_run(out, options + Words{"--precision", precision}, "cuda:0"));
    return last_gradients_of_g(checkpoint(out, 1));
  };
  const double apart_in_bf16 = test::relative_distance(gradients("bf16"), gradients("f32"));
  CHECK(apart_in_bf16 > 1e-3);  // another arithmetic: f32 alone rounds by 1e-7
  // Rounding by 2^-9 changes the sign of one activation in some hundred, and with it the gradient
  // there by four fifths, which is some percent of a layer's gradients. It adds up over about ten
  // layers: measured 0.012. A gradient that is zero would be at a distance of 1.
  CHECK(apart_in_bf16 < 0.05);
}

TEST_CASE("emulated: on another interleaving of streams a run has the same bits") {
  const TempFolder folder;
  const auto made = [&](const std::string& seed) {
    const test::WithEnvironment environment(test::Environment{{"SCIMIX_EMULATED_SEED", seed}});
    const std::string out = (folder / seed).string();
    train(test::classifier_run(out, kFixmatch.options + Words{"--precision", "bf16"}, "cuda:0"));
    return read_bytes(checkpoint(out, kSteps));
  };
  CHECK(made("1") == made("20261128"));
}

TEST_CASE("emulated: early launches do not change a run, and can be switched off") {
  const TempFolder folder;
  const auto arguments = [&](const std::string& setting) {
    return test::classifier_run((folder / setting).string(), kFixmatch.options, "cuda:0");
  };
  const auto made = [&](const std::string& setting) {
    const test::WithEnvironment environment(
        test::Environment{{"SCIMIX_PROGRAMMATIC_LAUNCH", setting}});
    train(arguments(setting));
    return read_bytes(checkpoint((folder / setting).string(), kSteps));
  };
  CHECK(made("0") == made("1"));
  const test::WithEnvironment environment(test::Environment{{"SCIMIX_PROGRAMMATIC_LAUNCH", "off"}});
  const ProgramResult result = test::run_program("scimix_train", arguments("off"));
  CHECK(result.exit_code == 2);
  CHECK(result.error.find("SCIMIX_PROGRAMMATIC_LAUNCH=off in the environment: expected 0 or 1") !=
        std::string::npos);
}

TEST_CASE("emulated: a run of 2 and of 4 ranks by NCCL is the run of one" *
          doctest::test_suite("ranks")) {
  if (std::system("command -v mpirun >/dev/null") != 0)
    return skip_check("several ranks, for want of MPI");
  for (const Method& method : {kSupervised, kGenerator}) {
    CAPTURE(std::string(method.name));
    const TempFolder folder;
    const std::string one = (folder / "one").string();
    train(method.run(one, method.options, "cuda:0"));
    for (const int ranks : {2, 4}) {
      CAPTURE(ranks);
      const std::string out = (folder / std::to_string(ranks)).string();
      train_together(ranks, method.run(out, method.options + Words{"--sync-norm", "true"}, "cuda"));
      CHECK(apart(checkpoint(one, kSteps), checkpoint(out, kSteps)) < method.tolerance_of_ranks);
    }
  }
}

TEST_CASE("emulated: the operations of 2 and of 4 ranks by NCCL do what they should" *
          doctest::test_suite("ranks")) {
  if (std::system("command -v mpirun >/dev/null") != 0)
    return skip_check("several ranks, for want of MPI");
  for (const int ranks : {2, 4}) {
    CAPTURE(ranks);
    const test::WithEnvironment environment(
        test::Environment{{"SCIMIX_ON_RANKS", std::to_string(ranks)}});
    const ProgramResult result = test::run_on_ranks(
        ranks, "scimix_tests", {"--test-case=on ranks: the same operations by NCCL"});
    CAPTURE(result.out);
    CAPTURE(result.error);
    CHECK(result.exit_code == 0);
    CHECK(result.out.find("\n1 passed, 0 failed, 0 skipped") != std::string::npos);
  }
}

TEST_CASE("emulated: the benchmark runs its small suite on the GPU") {
  // A step, and an operator, of which recorded calls are timed.
  for (const std::string filter : {"wrn-10-1 supervised: batch 4", "cross_entropy"}) {
    CAPTURE(filter);
    const ProgramResult result =
        test::run_program("scimix_bench", {"--suite", "gpu-tiny", "--device", "cuda:0", "--dtype",
                                           "bf16", "--min-time", "0.001", "--filter", filter});
    CAPTURE(result.out);
    CAPTURE(result.error);
    CHECK(result.exit_code == 0);
    CHECK(result.out.find("emulated GPU") != std::string::npos);
    CHECK(result.out.find(filter) != std::string::npos);
  }
}

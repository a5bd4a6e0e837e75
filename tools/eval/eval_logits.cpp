#include "tools/eval/eval_logits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iostream>
#include <span>

#include "core/device.hpp"
#include "core/error.hpp"
#include "core/paths.hpp"
#include "core/result_file.hpp"
#include "core/safetensors.hpp"
#include "data/npy.hpp"
#include "tools/command_line/cli.hpp"
#include "tools/eval/evaluation_data.hpp"
#include "tools/eval/test_images.hpp"
#include "tools/eval/trained_classifier.hpp"
#include "trainers/classifier_logits.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/resident_set.hpp"

namespace scimix {

namespace {

constexpr const char* kFormat = "scimix-logits-1";
constexpr const char* kRecordsMark = "('logits', ";

struct LogitSettings {
  std::string run;  // run folder or checkpoint
  DataChoice data;
  std::int64_t count = 0;
  std::int64_t batch = 250;
  std::string device = "auto";
  std::string out;
};

void check(const LogitSettings& s) {
  if (s.out.empty()) return;
  const bool records = s.out.ends_with(".npy");
  if (!records && !s.out.ends_with(".safetensors")) {
    user_error("--out ", shown(s.out), ": expected a name that ends in .npy or .safetensors");
  }
  check_result_file("--out", s.out, records ? kRecordsMark : kFormat);
}

void write(const std::string& out, const Logits& found) {
  const std::int64_t count = std::ssize(found.labels);
  if (out.ends_with(".npy")) {
    const std::array fields = {npy_field("logits", {found.classes}, found.logits),
                               npy_field("label", {}, found.labels),
                               npy_field("predicted", {}, found.predicted)};
    return write_npy(out, count, fields);
  }
  const auto numbers = [&](const char* name, const std::vector<std::int32_t>& values) {
    return TensorEntry{name, "I32", {count}, std::as_bytes(std::span(values))};
  };
  const std::array entries = {
      TensorEntry{"logits", "F32", {count, found.classes}, std::as_bytes(std::span(found.logits))},
      numbers("label", found.labels), numbers("predicted", found.predicted)};
  write_safetensors(out, entries, {{"format", kFormat}});
}

// A table with tabs between its columns.
void print(std::ostream& out, const Logits& found, const std::vector<std::string>& names) {
  // An image has no class if it has no label, or if a logit is NaN.
  const auto name = [&](std::int32_t index) {
    const bool is_class = index >= 0 && index < std::ssize(names);
    return is_class ? names[static_cast<std::size_t>(index)] : std::string("?");
  };
  out << "image\tclass\tpredicted";
  for (const std::string& one : names) out << '\t' << one;
  out << '\n';
  const auto classes = static_cast<std::size_t>(found.classes);
  for (std::size_t i = 0; i < found.labels.size(); ++i) {
    out << fmt::format("{}\t{}\t{}", i, name(found.labels[i]), name(found.predicted[i]));
    for (std::size_t c = 0; c < classes; ++c) {
      out << fmt::format("\t{:.6g}", found.logits[i * classes + c]);
    }
    out << '\n';
  }
}

int logits(const LogitSettings& s) {
  const Device device = parse_device(s.device);
  select_device(device);
  const ClassifierCheckpoint checkpoint = find_classifier(s.run);
  const ClassifierSettings settings = settings_of(checkpoint);
  const WideResNet network = load_classifier(checkpoint, settings, device);
  const TestImages chosen = load_checked_test_images(s.data, checkpoint, settings);
  const Dataset& dataset = chosen.data.dataset;
  const ResidentSet images(dataset.test, device);
  const std::int64_t count = s.count == 0 ? images.count() : std::min(s.count, images.count());
  const Logits found =
      compute_logits(network, images, count, evaluation_batch(s.batch, images), settings.precision);
  if (s.out.empty()) {
    print(std::cout, found, dataset.class_names);
    return 0;
  }
  write(s.out, found);
  introduce(std::cout, checkpoint, settings, chosen);
  std::cout << fmt::format("logits of {} images in {}\n", count, shown(s.out));
  return 0;
}

}  // namespace

int eval_logits(const std::vector<std::string>& arguments) {
  CLI::App app(
      "What a trained classifier answers to each test image: one number for each class, before the "
      "softmax. Useful to compare another implementation with this one.",
      "scimix_eval logits");
  LogitSettings s;
  use_setting_defaults(app);
  add_classifier_run(app, s.run);
  add_test_images(app, s.data);
  const std::string output = "Output";
  check_number(
      app.add_option("--count", s.count, "only the first test images; 0: all")->group(output),
      {.least = 0});
  app.add_option("--out", s.out,
                 "NAME.npy (records logits, label, predicted) or NAME.safetensors (tensors of the "
                 "same names); without it a table with tabs is printed")
      ->group(output)
      ->check(not_empty());
  add_batch_and_device(app, output, s.batch, s.device);
  if (const auto done = parse(app, arguments)) return *done;
  check(s);
  return logits(s);
}

}  // namespace scimix

#include "report/classifier_report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/shell_word.hpp"
#include "report/interval.hpp"
#include "report/markup.hpp"

namespace scimix {

namespace {

std::string summary(const ClassifierOutcome& o) {
  const std::string labels =
      o.facts.labeled_images == o.facts.training_images
          ? fmt::format("{} training images, all labelled", o.facts.training_images)
          : fmt::format("{} training images, {} of them labelled", o.facts.training_images,
                        o.facts.labeled_images);
  return fmt::format(
      "A {} was trained for {} steps to tell the {} classes of {} apart, from {}. Images have "
      "{}x{} pixels.",
      o.network, o.facts.steps, o.classes.names.size(), o.facts.data, labels, o.facts.image_size,
      o.facts.image_size);
}

RunReport::Headline headline(const Confusion& confusion) {
  const ShareInterval interval = wilson_interval(confusion.correct(), confusion.images());
  return {percent(interval.share, 2),
          fmt::format("of the {} test images are classified correctly", confusion.images()),
          fmt::format("The 95% interval is {} to {}. It covers the choice of the test images. Runs "
                      "with other seeds may differ by more.",
                      percent(interval.low, 2), percent(interval.high, 2))};
}

// What always answering the most frequent class of the test images would achieve.
double share_of_largest_class(const Confusion& confusion) {
  std::int64_t most = 0;
  for (std::int64_t label = 0; label < confusion.classes(); ++label) {
    most = std::max(most, confusion.images(label));
  }
  const std::int64_t all = std::max<std::int64_t>(confusion.images(), 1);
  return static_cast<double>(most) / static_cast<double>(all);
}

std::vector<RunReport::Chart> classifier_charts() {
  return {{"Accuracy",
           {{"test_accuracy", "test images"}, {"train_accuracy", "training batches"}},
           "",
           true,
           "The share of images that get the right class. Test images are classified by the "
           "averaged weights (EMA), training batches by the current ones."},
          {"Cross-entropy",
           {{"supervised", "labelled images"}, {"pseudo_label", "pseudo-labels"}},
           "nats",
           false,
           "How improbable the network finds the right answers. Lower is better."},
          {"Consistency and hybrids",
           {{"consistency", "consistency"}, {"hybrid", "hybrids"}},
           "loss",
           false,
           "What images without a label and mixed images add to the loss."},
          {"Images that are learnt from",
           {{"confident", "confident pseudo-labels"}, {"hybrids_kept", "hybrids kept"}},
           "",
           true,
           "The share of unlabelled images, or of hybrids, that the method does not discard. At 0% "
           "they teach nothing."},
          {"Learning rate", {{"learning_rate", "learning rate"}}, "", false, ""}};
}

std::vector<RunReport::NextStep> next_steps(const ClassifierOutcome& o) {
  const std::string run = shell_word(o.facts.folder.string());
  return {
      {"Let it sort pictures that have no class yet, and list those that a person should look at.",
       fmt::format("scimix_eval predict {} FOLDER --out predictions.csv --sort-into sorted "
                   "--to-label to-label.csv",
                   run)},
      {"Test it on images of your own: a folder with a subfolder for each class.",
       fmt::format("scimix_eval accuracy {} --dataset folder --data-dir FOLDER --confusion "
                   "confusion.svg",
                   run)},
      {"See how much chance is in the result: repeat the run with --seed 2, --seed 3 and so on, "
       "each with an --out folder of its own, and report the mean and the spread.",
       ""},
      {"If the accuracy of the test images still rises at the right end of its curve, train "
       "longer, with a larger --steps.",
       ""},
      {"Compare runs, or watch one while it trains.", "tensorboard --logdir " + run},
      {fmt::format(
           "Use the network elsewhere: {} holds safetensors files with PyTorch's names. The "
           "tensors ema.* are the weights that were tested here.",
           (o.facts.folder / "checkpoints").string()),
       ""}};
}

}  // namespace

RunReport classifier_report(const ClassifierOutcome& o) {
  const Confusion& confusion = o.classes.confusion;
  RunReport report;
  report.title = fmt::format("Classifier of {}, {} labels", o.facts.data, o.facts.labeled_images);
  report.summary = summary(o);
  report.command = o.facts.command;
  if (!o.facts.scale_note.empty()) report.notes = {o.facts.scale_note};
  if (confusion.images() > 0) {
    report.headline = headline(confusion);
  } else {
    report.notes.emplace_back(kNoTestImages);
  }
  if (o.median.evaluations > 1) {
    report.figures.emplace_back(
        fmt::format("Median of the last {} evaluations", o.median.evaluations),
        percent(o.median.accuracy, 2));
  }
  if (confusion.images() > 0) {
    report.figures.emplace_back("If every answer were the most frequent class",
                                percent(share_of_largest_class(confusion), 2));
  }
  report.figures.emplace_back("Training steps", std::to_string(o.facts.steps));
  report.figures.emplace_back("Method", o.method);
  report.figures.emplace_back("Device", o.facts.device);
  report.charts = classifier_charts();
  if (confusion.images() > 0) report.classes = o.classes;
  report.pictures = o.pictures;
  report.to_label = o.to_label;
  report.next_steps = next_steps(o);
  return report;
}

}  // namespace scimix

#include "report/generator_report.hpp"

#include <fmt/format.h>

#include "core/shell_word.hpp"
#include "report/interval.hpp"
#include "report/markup.hpp"

namespace scimix {

namespace {

RunReport::Headline headline(const GeneratorOutcome::Evaluation& e) {
  const ShareInterval interval = wilson_interval(e.class_kept, e.pairs);
  return {
      percent(interval.share, 1),
      fmt::format("of {} hybrids show the class of the image that gave their content", e.pairs),
      fmt::format("The 95% interval is {} to {}. The judge is the generator's own classifier C, "
                  "which is partial: see the first of the next steps.",
                  percent(interval.low, 1), percent(interval.high, 1))};
}

std::vector<RunReport::Chart> generator_charts() {
  return {
      {"Test images and hybrids",
       {{"own_s_c", "content kept (s_c)"},
        {"s_r", "scene kept (s_r)"},
        {"test_accuracy", "C, test images"},
        {"train_accuracy", "C, training batches"}},
       "",
       true,
       "Shares of hybrids that show the class of their content image, and that are nearer to "
       "their scene image in pixels; shares of images that C classifies correctly."},
      {"Reconstruction error",
       {{"reconstruction", "training batches"}, {"test_reconstruction", "test images"}},
       "pixel values in [-1,1]",
       false,
       "How far images are from their reconstruction. Lower is better."},
      {"Critic",
       {{"critic_real", "D, real images"},
        {"critic_rec", "D, reconstructions"},
        {"critic_hyb", "D, hybrids"},
        {"adv_rec", "G, reconstructions"},
        {"adv_hyb", "G, hybrids"}},
       "loss",
       false,
       "The critic D and the generator G work against each other. Neither side's loss should "
       "stay near 0."},
      {"Hybridisation",
       {{"class_plus", "distance to the content's class"},
        {"cont_plus", "distance to the scene's scene code"},
        {"class_minus", "distance to the scene's class"},
        {"cont_minus", "distance to the content's scene code"}},
       "loss",
       false,
       "Distances between a hybrid and its two images, the content and the scene. The distances to "
       "the content's class and to the scene's scene code should become small, the other two "
       "large, "
       "up to their caps."},
      {"Classifier inside the encoder",
       {{"supervised", "labelled images"},
        {"consistency", "consistency"},
        {"pseudo_label", "pseudo-labels"}},
       "loss",
       false,
       "The losses that teach the encoder E_c and its classifier C."}};
}

std::vector<RunReport::NextStep> next_steps(const GeneratorOutcome& o) {
  const std::string run = shell_word(o.facts.folder.string());
  return {
      {"Let a classifier that was trained apart judge the hybrids. ORACLE is the run of a "
       "classifier with all labels.",
       fmt::format("scimix_eval transfer --generator {} --oracle ORACLE", run)},
      {"Mix images of your own. Each folder holds images; every hybrid is a PNG file.",
       fmt::format("scimix_mix --generator {} --content CONTENT/ --scene SCENES/ --resize --out "
                   "hybrids/",
                   run)},
      {"Train a classifier that also learns from hybrids, on the same data and labels as this "
       "run.",
       fmt::format("scimix_train classifier --mixer scimix --generator {}{}", run,
                   o.options_of_data)},
      {"Compare runs, or watch one while it trains.", "tensorboard --logdir " + run}};
}

}  // namespace

RunReport generator_report(const GeneratorOutcome& o) {
  RunReport report;
  report.title =
      fmt::format("SciMix generator of {}, {} labels", o.facts.data, o.facts.labeled_images);
  report.summary = fmt::format(
      "An auto-encoder was trained for {} steps to mix two images of {}: a hybrid shows the "
      "content "
      "of one (its class) in the scene of the other. It learnt from {} images of {}x{} pixels, {} "
      "of "
      "them labelled.",
      o.facts.steps, o.facts.data, o.facts.training_images, o.facts.image_size, o.facts.image_size,
      o.facts.labeled_images == o.facts.training_images ? "all"
                                                        : std::to_string(o.facts.labeled_images));
  report.command = o.facts.command;
  if (!o.facts.scale_note.empty()) report.notes = {o.facts.scale_note};
  if (o.evaluation) {
    const GeneratorOutcome::Evaluation& e = *o.evaluation;
    report.headline = headline(e);
    report.figures = {
        {"Hybrids nearer to their scene image (s_r)", percent(e.s_r, 1)},
        {"Reconstruction error (pixels in [-1,1])", fmt::format("{:.3f}", e.reconstruction)},
        {"C is right on test images", percent(e.accuracy, 1)}};
  } else {
    report.notes.emplace_back(kNoTestImages);
  }
  report.figures.emplace_back("Training steps", std::to_string(o.facts.steps));
  report.figures.emplace_back("Variant", o.variant);
  if (!o.guide.empty()) {
    report.figures.emplace_back("Guide that the encoder started from", o.guide);
  }
  report.figures.emplace_back("Device", o.facts.device);
  report.charts = generator_charts();
  report.pictures = o.pictures;
  report.next_steps = next_steps(o);
  return report;
}

}  // namespace scimix

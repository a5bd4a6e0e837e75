#include "report/images_to_label.hpp"

#include <fmt/format.h>

#include "report/interval.hpp"
#include "report/markup.hpp"
#include "report/page.hpp"

namespace scimix {

namespace {

constexpr std::int64_t kFileCharacters = 40;
constexpr std::int64_t kClassCharacters = 24;

// What the reader may conclude from the images, in full sentences.
std::string introduction(const ImagesToLabel& found) {
  std::string text =
      "The classifier is least sure of these unlabelled images, of the first image least. Labels "
      "for them probably teach it more than labels for others; this was not measured. Each line "
      "has "
      "the two most probable classes; the margin is the difference of their probabilities.";
  if (found.looked_at == found.unlabeled) {
    text += fmt::format(" It looked at all {} unlabelled images.", found.unlabeled);
  } else {
    text += fmt::format(
        " It looked at {} of the {} unlabelled images, drawn at random; scimix_eval predict looks "
        "at all of them.",
        found.looked_at, found.unlabeled);
  }
  if (found.calibrated) {
    const auto& [images, temperature, test_images] = *found.calibrated;
    text += fmt::format(
        " The probabilities are calibrated on {}the {} test images (temperature {:.3f}).",
        test_images == 0 ? "" : fmt::format("{} of ", images),
        test_images == 0 ? images : test_images, temperature);
  } else {
    text +=
        " There are no test images that could calibrate the probabilities: they are too high, and "
        "only put the images in order.";
  }
  return paragraph("", text);
}

std::string card(const ImagesToLabel::Image& image, const std::vector<std::string>& names) {
  const std::string file = image.prediction.file;
  const auto guess = [&](std::size_t rank) {
    const RankedClass& ranked = image.prediction.classes[rank];
    const std::string& name = names[static_cast<std::size_t>(ranked.label)];
    return fmt::format("<span title=\"{}\">{}</span> {}", escape_markup(shortened(name, 200)),
                       breakable_name(shortened(name, kClassCharacters)),
                       percent(ranked.probability, 1));
  };
  return fmt::format(
      "<li><img alt=\"\" src=\"data:image/png;base64,{}\">\n<div class=\"file\" title=\"{}\">{}"
      "</div>\n<div>{}</div>\n<div>{}</div>\n<div>margin {}</div></li>\n",
      base64(image.png), escape_markup(file), breakable_name(shortened(file, kFileCharacters)),
      guess(0), guess(1), percent(image.prediction.margin(), 1));
}

std::string effort_table(const ImagesToLabel& found) {
  if (!found.calibrated || found.efforts.empty()) return {};
  std::string out =
      "<h3>How much to check</h3>\n<p>The more of the predictions may be wrong, the more of the "
      "confident ones can be accepted unseen. If all of those that are checked, drawn at random, "
      "are right, the wanted rate holds for the accepted ones with 95% confidence. The last column "
      "is the alternative: correct the least certain ones of all by hand.</p>\n"
      "<div class=\"tables box\" tabindex=\"0\">\n<table>\n<thead><tr>"
      "<th scope=\"col\">wrong, at most</th><th scope=\"col\">accept unseen</th>"
      "<th scope=\"col\">with a probability from</th><th scope=\"col\">check of these</th>"
      "<th scope=\"col\">or correct of all</th></tr></thead>\n<tbody>\n";
  for (const CheckingEffort& effort : found.efforts) {
    out += fmt::format(
        "<tr><th scope=\"row\">{:g}%</th><td>{} of {}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        100 * effort.error_rate, effort.accepted, found.looked_at,
        effort.accepted == 0 ? "\xE2\x80\x93" : percent(effort.least_probability, 1),
        effort.to_check, effort.to_look_at);
  }
  return out + "</tbody>\n</table>\n</div>\n";
}

}  // namespace

std::string images_to_label_html(const ImagesToLabel& found) {
  std::string out = introduction(found) + "<ol class=\"cards\">\n";
  for (const ImagesToLabel::Image& image : found.images) out += card(image, found.class_names);
  return out + "</ol>\n" + effort_table(found);
}

}  // namespace scimix

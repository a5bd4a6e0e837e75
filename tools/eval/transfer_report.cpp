#include "tools/eval/transfer_report.hpp"

#include <fmt/format.h>

#include "report/interval.hpp"

namespace scimix {

namespace {

std::string cell(std::int64_t hits, std::int64_t trials) {
  const ShareInterval interval = wilson_interval(hits, trials);
  return fmt::format("{:.3f} [{:.3f}, {:.3f}]", interval.share, interval.low, interval.high);
}

nlohmann::ordered_json json_of(std::int64_t hits, std::int64_t trials) {
  const ShareInterval interval = wilson_interval(hits, trials);
  return {{"share", interval.share}, {"low", interval.low}, {"high", interval.high}};
}

}  // namespace

void print_transfer(std::ostream& out, const std::vector<MethodTransfer>& methods,
                    std::int64_t classes) {
  constexpr auto kLine = "{:<8} {:<22} {}\n";
  out << fmt::format(kLine, "", "s_c: class kept", "s_r: scene kept");
  for (const auto& [method, t] : methods) {
    out << fmt::format(kLine, method, cell(t.class_kept, t.pairs), cell(t.scene_kept, t.pairs));
  }
  out << fmt::format("{:<8} {:.3f}\n", "chance", 1.0 / static_cast<double>(classes));
}

nlohmann::ordered_json transfer_json(const std::vector<MethodTransfer>& methods) {
  nlohmann::ordered_json json;
  for (const auto& [method, t] : methods) {
    json[method] = {{"pairs", t.pairs},
                    {"s_c", json_of(t.class_kept, t.pairs)},
                    {"s_r", json_of(t.scene_kept, t.pairs)}};
  }
  return json;
}

void print_causes(std::ostream& out, const TransferCauses& causes, const Transfer& judged,
                  std::int64_t classes) {
  const Diversity& d = causes.diversity;
  out << fmt::format(
      "\nWhy SciMix's hybrids have the class of x_c, or not:\n"
      "  C on real images            {:.3f}   accuracy, which limits the accuracy on hybrids\n"
      "  C on hybrids                {}   {:+.3f} compared with the oracle: how far G fools C\n"
      "  linear probe of z_r         {:.3f}   chance is {:.3f}; more: z_r contains the class\n"
      "  one content, many scenes    {:.3f}   distance of hybrids; {:.3f} between the scenes\n"
      "  one scene, one class        {:.3f}   distance of hybrids; {:.3f} between the contents\n",
      causes.own_accuracy, cell(causes.own.class_kept, causes.own.pairs),
      causes.own.s_c() - judged.s_c(), causes.scene_probe, 1.0 / static_cast<double>(classes),
      d.hybrids_over_scenes, d.real_scenes, d.hybrids_over_contents, d.real_contents);
}

nlohmann::ordered_json causes_json(const TransferCauses& causes) {
  const Diversity& d = causes.diversity;
  return {{"own_accuracy", causes.own_accuracy},
          {"own_s_c", json_of(causes.own.class_kept, causes.own.pairs)},
          {"scene_probe", causes.scene_probe},
          {"diversity",
           {{"hybrids_over_scenes", d.hybrids_over_scenes},
            {"real_scenes", d.real_scenes},
            {"hybrids_over_contents", d.hybrids_over_contents},
            {"real_contents", d.real_contents}}}};
}

}  // namespace scimix

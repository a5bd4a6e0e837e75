#include "tools/transfer_report.hpp"

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

}  // namespace scimix

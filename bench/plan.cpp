#include "bench/plan.hpp"

#include <fmt/format.h>

#include "core/work.hpp"

namespace scimix {

std::string plan_of_step(const BenchStep& step, const BenchSettings& settings) {
  const std::function<void(int)> run = step.prepare(settings.device, settings.dtype);
  run(1);
  const WorkPlan plan;
  run(1);
  std::string text =
      fmt::format("{}: {}: {} launches\n", step.name, step.label, plan.entries().size());
  for (const WorkPlan::Line& line : plan.by_name()) {
    text += fmt::format("{:>6} {}\n", line.count, line.name);
  }
  return text;
}

}  // namespace scimix

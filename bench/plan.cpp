#include "bench/plan.hpp"

#include <fmt/format.h>

#include "core/work.hpp"

namespace scimix {

std::string plan_of_step(const BenchStep& step, const BenchSettings& settings) {
  const std::function<void(int)> run = step.prepare(settings.device, settings.dtype);
  run(1);
  const WorkPlan plan;
  run(1);
  std::string lines;
  double all = 0;
  for (const WorkPlan::Line& line : plan.by_name()) {
    const double megabytes = 1e-6 * static_cast<double>(line.bytes);
    all += megabytes;
    lines += fmt::format("{:>6} {:>11.3f} MB  {}\n", line.count, megabytes, line.name);
  }
  return fmt::format("{}: {}: {} launches, {:.1f} MB\n{}", step.name, step.label,
                     plan.entries().size(), all, lines);
}

}  // namespace scimix

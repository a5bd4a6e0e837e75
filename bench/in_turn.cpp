#include "bench/in_turn.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <istream>
#include <ostream>
#include <string>

#include "bench/report.hpp"
#include "core/error.hpp"

namespace scimix {

namespace {

int parse_calls(const std::string& line) {
  constexpr int kMost = 10'000;
  int calls = 0;
  const char* const end = line.data() + line.size();
  const auto [stop, error] = std::from_chars(line.data(), end, calls);
  if (error != std::errc() || stop != end || calls < 1 || calls > kMost) {
    user_error("--in-turn: \"", line, "\" on standard input, expected a number of calls, 1 to ",
               kMost);
  }
  return calls;
}

}  // namespace

void time_in_turn(const BenchStep& step, const BenchSettings& settings, std::istream& in,
                  std::ostream& out) {
  const std::function<void(int)> run = step.prepare(settings.device, settings.dtype);
  out << bench_machine_json(settings) << '\n' << std::flush;
  for (std::string line; std::getline(in, line);) {
    std::vector<double> seconds(static_cast<std::size_t>(parse_calls(line)));
    for (double& each : seconds) each = seconds_of(1, run, settings.device);
    out << fmt::format("[{:.6g}]", fmt::join(seconds, ", ")) << '\n' << std::flush;
  }
}

}  // namespace scimix

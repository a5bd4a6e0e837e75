#include "tools/command_line/seeds.hpp"

#include <fmt/ostream.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "core/error.hpp"
#include "report/interval.hpp"

namespace scimix {

std::vector<std::uint64_t> parse_seeds(const std::string& list) {
  const auto refuse = [&] {
    user_error("--seeds ", list, ": expected different whole numbers from 0, such as 0,1,2");
  };
  std::vector<std::uint64_t> seeds;
  std::stringstream words(list);
  for (std::string word; std::getline(words, word, ',');) {
    std::uint64_t seed = 0;
    const char* const end = word.data() + word.size();
    const auto [at, fault] = std::from_chars(word.data(), end, seed);
    if (word.empty() || fault != std::errc() || at != end) refuse();
    if (std::find(seeds.begin(), seeds.end(), seed) != seeds.end()) refuse();
    seeds.push_back(seed);
  }
  if (seeds.empty() || list.ends_with(',')) refuse();
  return seeds;
}

std::vector<std::string> without_option(const std::vector<std::string>& arguments,
                                        const std::string& name) {
  std::vector<std::string> rest;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == name) {
      ++i;
    } else if (!arguments[i].starts_with(name + "=")) {
      rest.push_back(arguments[i]);
    }
  }
  return rest;
}

void print_seeds(std::ostream& out, const std::vector<SeedResult>& results) {
  fmt::print(out, "{:>8} {:>10} {:>20}\n", "seed", "last EMA", "median of the last");
  std::vector<double> last;
  std::vector<double> median;
  for (const SeedResult& result : results) {
    last.push_back(100 * result.last);
    median.push_back(100 * result.median);
    fmt::print(out, "{:>8} {:>10.2f} {:>20.2f}\n", result.seed, last.back(), median.back());
  }
  if (results.size() < 2) return;
  const MeanStd a = mean_and_std(last);
  const MeanStd b = mean_and_std(median);
  fmt::print(out,
             "test accuracy in %, mean ± std of {} seeds: last EMA {:.2f} ± {:.2f}, median "
             "{:.2f} ± {:.2f}\n",
             results.size(), a.mean, a.std, b.mean, b.std);
}

}  // namespace scimix

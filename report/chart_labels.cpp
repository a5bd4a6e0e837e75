#include "report/chart_labels.hpp"

#include <algorithm>
#include <numeric>

namespace scimix {

std::vector<std::string> wrapped_name(std::string_view name, std::size_t most) {
  std::vector<std::string> lines;
  bool space = true;  // before the next word
  while (!name.empty()) {
    const std::size_t end = std::min(name.find_first_of("_ "), name.size());
    const bool underscore = end < name.size() && name[end] == '_';
    const std::string word(name.substr(0, end + (underscore ? 1 : 0)));
    name.remove_prefix(std::min(end + 1, name.size()));
    if (!word.empty()) {
      const std::size_t gap = space ? 1 : 0;
      if (!lines.empty() && lines.back().size() + gap + word.size() <= most) {
        lines.back().append(gap, ' ').append(word);
      } else {
        lines.push_back(word);
      }
    }
    space = !underscore;
  }
  return lines;
}

std::vector<double> placed_labels(const std::vector<LabelBox>& labels, double top, double bottom) {
  std::vector<std::size_t> order(labels.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return labels[a].wanted < labels[b].wanted;
  });
  std::vector<double> centres(labels.size());
  double free_from = top;  // downwards: each below the one before
  for (const std::size_t i : order) {
    centres[i] = std::max(labels[i].wanted, free_from + labels[i].height / 2);
    free_from = centres[i] + labels[i].height / 2;
  }
  double free_to = bottom;  // upwards: what was pushed out comes back
  for (auto i = order.rbegin(); i != order.rend(); ++i) {
    centres[*i] = std::min(centres[*i], free_to - labels[*i].height / 2);
    free_to = centres[*i] - labels[*i].height / 2;
  }
  return centres;
}

}  // namespace scimix

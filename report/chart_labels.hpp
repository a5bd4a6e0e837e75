// Names at the ends of a chart's lines, moved apart where they would overlap.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace scimix {

// A name as lines of at most `most` characters, broken behind spaces (which go) and underscores
// (which stay); a longer word stays whole.
[[nodiscard]] std::vector<std::string> wrapped_name(std::string_view name, std::size_t most);

// A label that wants to have its centre at `wanted`, `height` high.
struct LabelBox {
  double wanted = 0.0;
  double height = 0.0;
};

// Where the centres come to lie between `top` and `bottom` so that none overlap, in the order of
// what they want; where there is too little room, they go beyond `top`.
[[nodiscard]] std::vector<double> placed_labels(const std::vector<LabelBox>& labels, double top,
                                                double bottom);

}  // namespace scimix

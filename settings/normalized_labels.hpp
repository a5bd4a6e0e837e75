// One spelling for a number of labels.
#pragma once

#include <string>

namespace scimix {

// Returns a number of labels as settings keep it, because runs compare the text: "20" for "020".
// Returns other text, such as "all", as it is.
[[nodiscard]] std::string normalized_labels(const std::string& written);

}  // namespace scimix

#include "settings/normalized_labels.hpp"

#include <charconv>
#include <cstdint>

namespace scimix {

std::string normalized_labels(const std::string& written) {
  const char* const end = written.data() + written.size();
  std::int64_t number = 0;
  const auto [stop, fault] = std::from_chars(written.data(), end, number);
  const bool is_number = !written.empty() && fault == std::errc() && stop == end;
  return is_number ? std::to_string(number) : written;
}

}  // namespace scimix

#include "core/error.hpp"

namespace scimix {

void throw_bug(const char* file, int line, const char* condition, const std::string& message) {
  throw Error(Fault::bug, text(message, " [", condition, "] at ", file, ":", line));
}

}  // namespace scimix

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/paths.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace scimix;
  const std::string name(reinterpret_cast<const char*>(data), size);
  // Throws where the text is not UTF-8.
  const std::string text = nlohmann::json(utf8_name(name)).dump();
  fuzz::require(nlohmann::json::parse(text).get<std::string>() == utf8_name(name), "not the name");
  const std::string line = shown(name);
  fuzz::require(std::all_of(line.begin(), line.end(),
                            [](char c) { return static_cast<unsigned char>(c) >= 0x20; }),
                "a control character in a message");
  (void)nlohmann::json(line).dump();
  return 0;
}

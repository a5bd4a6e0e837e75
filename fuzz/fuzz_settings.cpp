// Configuration files: TOML, and the format of older runs.
#include "fuzz/fuzz.hpp"
#include "settings/run_kinds.hpp"
#include "settings/settings_file.hpp"

namespace {

using namespace scimix;

// What a file says, written to a file and read again, is the same.
void check_kind(const RunKind& kind, fuzz::Bytes bytes) {
  static fuzz::MemoryFile input;
  static fuzz::MemoryFile written;
  fuzz::run([&] {
    const SettingValues values = resolve(kind, read_settings_file(kind, input.put(bytes))).values;
    const std::string text = settings_text(kind, values);
    const auto* const data = reinterpret_cast<const std::uint8_t*>(text.data());
    const auto path = written.put({data, text.size()});
    SettingValues again;
    try {
      again = resolve(kind, read_settings_file(kind, path)).values;
    } catch (const Error& error) {
      fuzz::fail(error.what());
    }
    fuzz::require(again == values, "settings that were written and read again differ");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const fuzz::Bytes bytes = fuzz::Bytes(data, size).subspan(1);
  check_kind(data[0] % 2 == 0 ? classifier_kind() : generator_kind(), bytes);
  return 0;
}

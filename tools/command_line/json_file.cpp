#include "tools/command_line/json_file.hpp"

#include "core/atomic_file.hpp"

namespace scimix {

void write_json(const std::filesystem::path& path, const nlohmann::ordered_json& json) {
  AtomicFile file(path);
  file.write(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  file.commit();
}

}  // namespace scimix

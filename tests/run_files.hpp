// Finds and reads files that scimix_train wrote into the folder of a run.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "temp_folder.hpp"

namespace scimix::test {

inline std::string config_of(const std::filesystem::path& run) {
  return read_bytes(run / "config.toml");
}

inline std::filesystem::path checkpoint(const std::filesystem::path& run, int step) {
  char name[40];  // NOLINT: for snprintf
  std::snprintf(name, sizeof(name), "step-%08d.safetensors", step);
  return run / "checkpoints" / name;
}

inline std::string checkpoint_bytes(const std::filesystem::path& run, int step) {
  return read_bytes(checkpoint(run, step));
}

// Returns the number of steps of the newest checkpoint in a run folder, and 0 if there is none. The
// run may be writing there.
inline int newest_checkpoint(const std::filesystem::path& run) {
  constexpr std::string_view kStart = "step-";
  int newest = 0;
  std::error_code error;  // the folder may not exist yet
  for (const auto& entry : std::filesystem::directory_iterator(run / "checkpoints", error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kStart) && name.ends_with(".safetensors")) {
      int step = 0;
      std::from_chars(name.data() + kStart.size(), name.data() + name.size(), step);
      newest = std::max(newest, step);
    }
  }
  return newest;
}

}  // namespace scimix::test

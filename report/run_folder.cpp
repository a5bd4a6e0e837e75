#include "report/run_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <system_error>
#include <vector>

#include "core/atomic_file.hpp"
#include "core/error.hpp"

namespace scimix {

namespace {

namespace fs = std::filesystem;

// Whole checkpoints, oldest first: names carry the step with leading zeros. Temporary files of a
// killed run start with a dot and are not listed.
std::vector<fs::path> checkpoints_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("step-") && name.ends_with(".safetensors")) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

RunFolder RunFolder::create(const fs::path& path) {
  RunFolder run(path);
  if (fs::exists(run.config())) {
    user_error(path.string(), ": already holds a run; continue it with --resume ", path.string(),
               " or choose another --out");
  }
  std::error_code error;
  fs::create_directories(path / "checkpoints", error);
  if (!error) fs::create_directories(run.samples(), error);
  if (error) user_error(path.string(), ": cannot make this folder: ", error.message());
  return run;
}

RunFolder RunFolder::open(const fs::path& path) {
  RunFolder run(path);
  if (!fs::exists(run.config())) {
    user_error(path.string(), ": no run to resume, expected a folder with a config.toml");
  }
  return run;
}

fs::path RunFolder::checkpoint(std::int64_t step) const {
  return path_ / "checkpoints" / fmt::format("step-{:08}.safetensors", step);
}

std::optional<fs::path> RunFolder::latest_checkpoint() const {
  const std::vector<fs::path> found = checkpoints_in(path_ / "checkpoints");
  if (found.empty()) return std::nullopt;
  return found.back();
}

void RunFolder::keep_newest_checkpoints(std::int64_t count) const {
  const std::vector<fs::path> found = checkpoints_in(path_ / "checkpoints");
  const auto surplus = std::max<std::int64_t>(std::ssize(found) - count, 0);
  for (std::int64_t i = 0; i < surplus; ++i) {
    std::error_code ignored;  // a checkpoint that somebody else removed is gone all the same
    fs::remove(found[static_cast<std::size_t>(i)], ignored);
  }
}

void RunFolder::write_config(std::string_view text) const {
  AtomicFile file(config());
  file.write(text);
  file.commit();
}

}  // namespace scimix

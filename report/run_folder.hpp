// A run is a folder:
//   config.toml                        every setting, resolved
//   split.json                         which training images are labelled
//   metrics.jsonl, events.out.tfevents.*
//   samples/augmented.png              what the network sees
//   checkpoints/step-00001000.safetensors
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

namespace scimix {

class RunFolder {
 public:
  // A new run. Errors (user): the folder already holds one, or cannot be made.
  [[nodiscard]] static RunFolder create(const std::filesystem::path& path);
  // The same run as another rank sees it, which writes nothing.
  [[nodiscard]] static RunFolder of_another_rank(const std::filesystem::path& path) {
    return RunFolder(path);
  }
  // A run to go on with. Errors (user): no config.toml there.
  [[nodiscard]] static RunFolder open(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path config() const { return path_ / "config.toml"; }
  [[nodiscard]] std::filesystem::path split() const { return path_ / "split.json"; }
  [[nodiscard]] std::filesystem::path samples() const { return path_ / "samples"; }
  [[nodiscard]] std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  [[nodiscard]] std::filesystem::path checkpoint(std::int64_t step) const;

  // The checkpoint with the largest step number, if there is one.
  [[nodiscard]] std::optional<std::filesystem::path> latest_checkpoint() const;
  // Removes all but the `count` newest checkpoints.
  void keep_newest_checkpoints(std::int64_t count) const;

  // Writes config.toml, atomically.
  void write_config(std::string_view text) const;

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  std::filesystem::path path_;
};

}  // namespace scimix

// A run is a folder:
//   config.toml                        every setting, resolved
//   split.json                         which training images are labelled
//   metrics.jsonl, events.out.tfevents.*
//   samples/augmented.png              what the network sees
//   checkpoints/step-00001000.safetensors
//   checkpoints/written.txt            the names of the checkpoints that this run wrote
//   report.html                        at the end
//   lock                               while a process trains in it
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace scimix {

class RunFolder {
 public:
  // Errors (user): the folder holds a run, or checkpoints of one.
  static void check_free(const std::filesystem::path& path);
  // Makes the folder of a new run. Errors (user): as check_free; it cannot be made.
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
  [[nodiscard]] std::filesystem::path report() const { return path_ / "report.html"; }
  [[nodiscard]] std::filesystem::path checkpoint(std::int64_t step) const;
  // Where the sample grid of an evaluation goes.
  [[nodiscard]] std::filesystem::path step_samples(std::int64_t step) const;

  // Returns the whole checkpoint with the largest step number, if there is one. Only checkpoints
  // that this run wrote count. A checkpoint that is empty or damaged is passed over for the one
  // before it, with a line in `passed_over` that says so. Errors (user): none of several is whole.
  [[nodiscard]] std::optional<std::filesystem::path> latest_checkpoint(
      std::vector<std::string>* passed_over = nullptr) const;
  // Notes that this run is about to write the checkpoint of `step`.
  void note_checkpoint(std::int64_t step) const;
  // Removes all but the `count` newest of this run's checkpoints up to `step`.
  void keep_newest_checkpoints(std::int64_t count, std::int64_t step) const;

  // Removes temporary files that killed processes of this run have left. Call it as the owner.
  void remove_leftovers() const;

  // Writes config.toml, atomically.
  void write_config(std::string_view text) const;

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  // The steps of the checkpoints that are there and that this run wrote, ascending.
  [[nodiscard]] std::vector<std::int64_t> own_checkpoints() const;
  [[nodiscard]] std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  [[nodiscard]] std::filesystem::path written() const { return checkpoints() / "written.txt"; }

  std::filesystem::path path_;
};

}  // namespace scimix

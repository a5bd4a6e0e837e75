// The folder of a run, with these files:
//   config.toml                        the final value of every setting
//   split.json                         which training images are labelled
//   metrics.jsonl, events.out.tfevents.*  the logged numbers, as lines of JSON and for TensorBoard
//   samples/augmented.png              images as the network sees them
//   checkpoints/step-00001000.safetensors
//   checkpoints/written.txt            the names of the checkpoints that this run wrote
//   report.html                        at the end
//   lock                               exists while a process trains in the folder
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
  // Checks that a new run can use the folder. Errors (user): the folder holds a run, checkpoints,
  // or a file that a run would write to.
  static void check_free(const std::filesystem::path& path);
  // Creates the folder of a new run. Errors (user): those of check_free; the folder cannot be
  // created.
  [[nodiscard]] static RunFolder create(const std::filesystem::path& path);
  // Returns the run's folder on ranks other than rank 0. Creates nothing.
  [[nodiscard]] static RunFolder of_another_rank(const std::filesystem::path& path) {
    return RunFolder(path);
  }
  // Returns whether the folder holds a run or a job: other programs have files called config.toml,
  // too.
  [[nodiscard]] static bool holds_run(const std::filesystem::path& path);
  // Opens the folder of a run to be resumed. Errors (user): the folder has no config.toml.
  [[nodiscard]] static RunFolder open(const std::filesystem::path& path);
  // Errors (user): this process may not write in the run's folders.
  void check_writable() const;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path config() const { return path_ / "config.toml"; }
  [[nodiscard]] std::filesystem::path split() const { return path_ / "split.json"; }
  [[nodiscard]] std::filesystem::path samples() const { return path_ / "samples"; }
  [[nodiscard]] std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  [[nodiscard]] std::filesystem::path report() const { return path_ / "report.html"; }
  [[nodiscard]] std::filesystem::path checkpoint(std::int64_t step) const;
  // Returns the path of the sample grid of an evaluation.
  [[nodiscard]] std::filesystem::path step_samples(std::int64_t step) const;

  // Returns the newest complete checkpoint that this run wrote, or nothing if it wrote none. An
  // empty or damaged checkpoint is skipped, and a line in `passed_over` says so. Errors (user): the
  // run wrote checkpoints, but none of them is complete; written.txt is damaged.
  [[nodiscard]] std::optional<std::filesystem::path> latest_checkpoint(
      std::vector<std::string>* passed_over = nullptr) const;
  // Returns the newest complete checkpoint. Errors (user): those of latest_checkpoint; no
  // checkpoint; the folder is a job of scimix_train auto (the message lists its runs).
  [[nodiscard]] std::filesystem::path required_checkpoint() const;
  // Returns where decoded images are kept for the next run: in image-cache beside the run. The
  // guide of a generator, whose run folder lies in the generator's, uses the same folder.
  [[nodiscard]] static std::filesystem::path image_cache(const std::filesystem::path& run);

  // Adds the checkpoint of `step` to written.txt. Call it before the checkpoint is written.
  void note_checkpoint(std::int64_t step) const;
  // Removes all but the `count` newest of this run's checkpoints up to `step`.
  void keep_newest_checkpoints(std::int64_t count, std::int64_t step) const;

  // Removes temporary files that killed processes of this run have left. The caller must
  // hold the RunLock.
  void remove_leftovers() const;

  // Writes config.toml, atomically.
  void write_config(std::string_view text) const;

 private:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}
  // Returns the steps of the existing checkpoints that this run wrote, in ascending order.
  [[nodiscard]] std::vector<std::int64_t> own_checkpoints() const;
  [[nodiscard]] std::filesystem::path checkpoints() const { return path_ / "checkpoints"; }
  [[nodiscard]] std::filesystem::path written() const { return checkpoints() / "written.txt"; }

  std::filesystem::path path_;
};

}  // namespace scimix

// Writes TensorBoard event files with scalars and PNG images, without protobuf.
//
// Source of the format (github.com/tensorflow/tensorboard): summary/writer/record_writer.py (frame
// and checksum), compat/proto/{event,summary}.proto (messages). One file is a list of records:
//   u64 length, u32 masked crc32c of those 8 bytes, data, u32 masked crc32c of the data
// all little-endian; data is an Event, and the first Event has the version "brain.Event:2".
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/atomic_file.hpp"
#include "report/metrics_log.hpp"

namespace scimix {

// Returns the CRC-32C of the bytes (Castagnoli, reflected polynomial 0x82F63B78): RFC 3720,
// appendix B.4.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes);

class TensorBoardWriter {
 public:
  // Creates `folder`/events.out.tfevents.SECONDS.HOST.PID.N; `time` is in Unix seconds. A resumed
  // run writes a new file into the same folder and records after which step it continues, so that
  // TensorBoard hides later events of older files. Errors (user): the file can't be created.
  TensorBoardWriter(const std::filesystem::path& folder, double time,
                    std::optional<std::int64_t> resumed_step = std::nullopt);

  // Add an event. It is in the file when the function returns. Errors (user): a full disk; the file
  // then contains nothing of the failed call.
  void add_scalars(std::int64_t step, double time, const Metrics& metrics);
  // `png` is a whole PNG file. Its size and its colour type are read from its header.
  void add_image(std::int64_t step, double time, std::string_view tag,
                 std::span<const std::byte> png);

  [[nodiscard]] const std::filesystem::path& path() const { return file_.path(); }

 private:
  void add_event(const std::string& event);

  AppendFile file_;
};

}  // namespace scimix

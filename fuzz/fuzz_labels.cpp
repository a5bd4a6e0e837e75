#include <algorithm>

#include "data/csv.hpp"
#include "data/labels_file.hpp"
#include "fuzz/fuzz.hpp"

namespace {

using namespace scimix;

// A folder that does not exist, with three images.
ImageFiles three_images() {
  return {
      .folders = {"/pictures", "/pictures/b"},
      .files = {
          {0, "1.png", kUnknownLabel}, {0, "2.jpg", kUnknownLabel}, {1, "3.png", kUnknownLabel}}};
}

// The message may list several rows, each in a line that begins with two spaces.
void check_message(const std::string& message) {
  fuzz::require(!message.empty() && message.find('\r') == std::string::npos, "a bad message");
  fuzz::require(std::ranges::count(message, '\n') <= 21, "a message of too many lines");
  for (std::size_t at = message.find('\n'); at != std::string::npos;
       at = message.find('\n', at + 1)) {
    fuzz::require(message.compare(at + 1, 2, "  ") == 0, "a broken line in a message");
  }
}

void apply(const std::filesystem::path& csv) {
  ImageFiles files = three_images();
  const std::vector<std::string> classes = apply_labels_file(csv, "/pictures", "a", files);
  fuzz::require(classes.size() >= 2 && std::ranges::is_sorted(classes), "the classes");
  fuzz::require(files.files.size() == 3, "a file got lost");
  const auto order = [](const ImageFiles::File& file) {
    return static_cast<std::uint32_t>(file.label);
  };
  fuzz::require(std::ranges::is_sorted(files.files, {}, order), "the order of the images");
  for (const ImageFiles::File& file : files.files) {
    fuzz::require(file.label >= kUnknownLabel && file.label < std::ssize(classes), "a label");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::MemoryFile input;
  try {
    apply(input.put({data, size}));
  } catch (const Error& error) {
    fuzz::require(error.fault() == Fault::user, error.what());
    check_message(error.what());
  } catch (const std::exception& error) {
    fuzz::fail(error.what());
  }
  const std::string field(reinterpret_cast<const char*>(data), size);
  const std::vector<CsvRow> rows = parse_csv("a," + csv_field(field), "t");
  fuzz::require(rows.size() == 1 && rows[0].fields.size() == 2 && rows[0].fields[1] == field,
                "a field that was written is not read again");
  return 0;
}

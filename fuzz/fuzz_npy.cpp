// SciMix writes .npy files and reads none: here, fields drawn from the input are written, and a
// reader that shares no code with the writer has to find the same bytes again.
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "data/npy.hpp"
#include "fuzz/fuzz.hpp"

namespace {

using namespace scimix;

struct Drawn {
  std::int64_t records = 0;
  std::vector<NpyField> fields;
  std::vector<std::vector<std::byte>> bytes;
};

// Each field takes three bytes of the input: dtype, number of axes, their lengths.
Drawn draw(fuzz::Bytes input) {
  constexpr DType kTypes[] = {DType::u8, DType::i32, DType::f32, DType::f64};
  Drawn drawn;
  drawn.records = input[0] % 8;
  std::uint8_t value = 0;
  for (std::size_t at = 1; at + 3 <= input.size() && drawn.fields.size() < 40; at += 3) {
    NpyField field;
    field.name = "f" + std::to_string(drawn.fields.size()) + std::string(input[at] % 50, 'x');
    field.dtype = kTypes[input[at] % 4];
    for (int axis = 0; axis < input[at + 1] % 5; ++axis) field.shape.push_back(input[at + 2] % 3);
    std::size_t count = size_of(field.dtype) * static_cast<std::size_t>(drawn.records);
    for (const std::int64_t length : field.shape) count *= static_cast<std::size_t>(length);
    std::vector<std::byte> bytes(count);
    for (std::byte& byte : bytes) byte = std::byte{value++};
    drawn.bytes.push_back(std::move(bytes));
    drawn.fields.push_back(std::move(field));
  }
  for (std::size_t i = 0; i < drawn.fields.size(); ++i) drawn.fields[i].bytes = drawn.bytes[i];
  return drawn;
}

void compare(const std::string& file, const Drawn& drawn) {
  using namespace std::string_view_literals;
  fuzz::require(file.substr(0, 8) == "\x93NUMPY\x01\x00"sv, "another magic");
  const std::size_t header =
      static_cast<std::uint8_t>(file[8]) + std::size_t{256} * static_cast<std::uint8_t>(file[9]);
  fuzz::require((10 + header) % 64 == 0 && file[9 + header] == '\n', "the header is not aligned");
  std::size_t at = 10 + header;
  for (std::int64_t record = 0; record < drawn.records; ++record) {
    for (const auto& bytes : drawn.bytes) {
      const std::size_t part = bytes.size() / static_cast<std::size_t>(drawn.records);
      const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(part) * record;
      fuzz::require(file.size() >= at + part, "the file is too short");
      fuzz::require(std::equal(from, from + static_cast<std::ptrdiff_t>(part), file.begin() + at,
                               [](std::byte a, char b) { return a == std::byte(b); }),
                    "other bytes");
      at += part;
    }
  }
  fuzz::require(at == file.size(), "the file is too long");
}

std::filesystem::path make_folder() {
  std::string name = "/dev/shm/scimix-fuzz-XXXXXX";
  fuzz::require(::mkdtemp(name.data()) != nullptr, "mkdtemp");
  return name;
}

// Removed when the program ends, unless it crashes.
struct Folder {
  std::filesystem::path path = make_folder();
  ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  if (size < 4) return 0;
  const Drawn drawn = draw({data, size});
  fuzz::run([&] {
    const std::filesystem::path path = folder.path / "a.npy";
    write_npy(path, drawn.records, drawn.fields);
    std::ifstream in(path, std::ios::binary);
    compare({std::istreambuf_iterator<char>(in), {}}, drawn);
  });
  return 0;
}

#include <zlib.h>

#include <algorithm>

#include "fuzz/decode.hpp"

namespace {

std::uint32_t big_endian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | bytes[3];
}

// Corrects the checksum of every chunk: otherwise libpng would refuse nearly every mutation.
void correct_checksums(std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kSignature = 8;
  constexpr std::size_t kAround = 12;  // length, name and checksum
  for (std::size_t at = kSignature; at + kAround <= size;) {
    const std::size_t length = big_endian(data + at);
    if (length > size - at - kAround) return;
    const auto sum = crc32(0, data + at + 4, static_cast<uInt>(length + 4));
    for (std::size_t i = 0; i < 4; ++i) {
      data[at + 8 + length + i] = static_cast<std::uint8_t>(sum >> (24 - 8 * i));
    }
    at += length + kAround;
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, most);
  if (seed % 16 != 0) correct_checksums(data, size);
  return size;
}

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  return scimix::fuzz::limit_pixels();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace scimix;
  fuzz::run([&] {
    if (size < 4 || data[0] != 0x89) return;
    fuzz::decode({data, size});
  });
  return 0;
}

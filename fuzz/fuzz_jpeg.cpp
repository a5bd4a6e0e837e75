#include "fuzz/decode.hpp"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  return scimix::fuzz::limit_pixels();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace scimix;
  fuzz::run([&] {
    // The first bytes decide between the decoders: this one is for JPEG.
    if (size < 3 || data[0] != 0xFF || data[1] != 0xD8 || data[2] != 0xFF) return;
    fuzz::decode({data, size});
  });
  return 0;
}

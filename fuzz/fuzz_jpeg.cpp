#include "data/image_io.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  return ::setenv("SCIMIX_MAX_PIXELS", "262144", 1);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace scimix;
  fuzz::run([&] {
    // The first bytes decide between the decoders: this one is for JPEG.
    if (size < 3 || data[0] != 0xFF || data[1] != 0xD8 || data[2] != 0xFF) return;
    ImageNotes notes;
    const Image image = decode_image("input", {data, size}, &notes);
    fuzz::require(
        image.height > 0 && image.width > 0 && image.height * image.width <= 262144 &&
            image.pixels.size() == static_cast<std::size_t>(3 * image.height * image.width),
        "the image has another size than its pixels");
  });
  return 0;
}

#include <vector>

#include "data/image_decoders.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace scimix;
  const int orientation = exif_orientation({data, size});
  fuzz::require(orientation >= 1 && orientation <= 8, "an orientation outside 1 to 8");
  const Image image = turn_upright({2, 3, std::vector<std::uint8_t>(18)}, orientation);
  fuzz::require(image.height * image.width == 6, "pixels are lost");
  return 0;
}

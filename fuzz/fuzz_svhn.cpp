#include "data/svhn.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace scimix;
  static fuzz::MemoryFile input;
  fuzz::run([&] {
    const ImageSet images = read_svhn_file(input.put({data, size}));
    check_images(images, 10, "input");
  });
  return 0;
}

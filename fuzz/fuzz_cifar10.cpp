#include "data/cifar10.hpp"
#include "fuzz/fuzz.hpp"

// The first byte says how many records are asked for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace scimix;
  static fuzz::MemoryFile input;
  if (size == 0) return 0;
  fuzz::run([&] {
    const ImageSet images = read_cifar10_batch(input.put({data + 1, size - 1}), data[0] % 4);
    check_images(images, 10, "input");
  });
  return 0;
}

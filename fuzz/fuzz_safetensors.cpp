#include "core/safetensors.hpp"
#include "fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace scimix;
  static fuzz::MemoryFile input;
  fuzz::run([&] {
    const SafetensorsFile file(input.put({data, size}));
    unsigned sum = 0;
    for (const TensorEntry& entry : file.entries()) {
      fuzz::require(file.find(entry.name) == &entry, "a tensor is not found by its name");
      for (const std::byte byte : entry.bytes) sum += static_cast<unsigned>(byte);
    }
    fuzz::require(sum <= 255 * size, "another sum");  // so that the bytes are read
    fuzz::require(file.names().size() == file.entries().size(), "names and tensors differ");
  });
  return 0;
}

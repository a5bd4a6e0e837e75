#include "kernels/launch/launch.hpp"
#include "kernels/reduce/checksum.hpp"

namespace scimix::SCIMIX_BACKEND {

namespace {

constexpr std::int64_t kParts = 256;

// The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
// generators", OOPSLA 2014).
SCIMIX_HD inline std::uint64_t mixed(std::uint32_t word, std::int64_t place) {
  std::uint64_t z = (static_cast<std::uint64_t>(place) << 32) + word + 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

}  // namespace

void add_checksum(const Tensor& tensor, const Output& sum) {
  SCIMIX_CHECK(size_of(tensor.dtype()) % 4 == 0 && sum.numel() == 2 && sum.dtype() == DType::i32,
               "add_checksum: ", name_of(tensor.dtype()), " ", tensor.shape(), " into ",
               sum.shape());
  const auto* words = reinterpret_cast<const std::uint32_t*>(tensor.raw());
  const auto count = static_cast<std::int64_t>(tensor.bytes() / 4);
  Tensor partial = Tensor::empty({kParts, 2}, DType::i32, tensor.device());
  auto* parts = reinterpret_cast<std::uint64_t*>(partial.raw());
  for_each_block(kParts, 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::int64_t part = block.index();
    const std::int64_t first = count * part / kParts;
    const std::int64_t rows = count * (part + 1) / kParts - first;
    const std::uint64_t total = block.sum<std::uint64_t>(
        rows, [&](std::int64_t i) { return mixed(words[first + i], first + i); });
    block.each(1, [&](std::int64_t) { parts[part] = total; });
  });
  const std::int64_t rows = partial.dim(0);
  auto* out = reinterpret_cast<std::uint32_t*>(sum.raw());
  for_each_block(1, 0, [=] SCIMIX_KERNEL_FN(Block & block) {
    const std::uint64_t total =
        block.sum<std::uint64_t>(rows, [&](std::int64_t i) { return parts[i]; });
    block.each(1, [&](std::int64_t) {
      const std::uint64_t before = (static_cast<std::uint64_t>(out[1]) << 32) | out[0];
      const std::uint64_t after = before + total;
      out[0] = static_cast<std::uint32_t>(after);
      out[1] = static_cast<std::uint32_t>(after >> 32);
    });
  });
}

}  // namespace scimix::SCIMIX_BACKEND

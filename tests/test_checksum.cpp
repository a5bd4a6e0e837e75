// The number by which ranks know that they hold the same bits.
#include <doctest/doctest.h>

#include <set>

#include "kernels/reduce/checksum.hpp"
#include "network_checks.hpp"
#include "skip.hpp"

using namespace scimix;

namespace {

std::uint64_t checksum(const std::vector<Tensor>& tensors) {
  Tensor sum = Tensor::zeros({2}, DType::i32, tensors.front().device());
  for (const Tensor& tensor : tensors) add_checksum(tensor, sum);
  const auto words = sum.to_host<std::int32_t>();
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(words[1])) << 32 |
         static_cast<std::uint32_t>(words[0]);
}

// SplitMix64's finaliser in plain words; the definition in checksum.hpp.
std::uint64_t definition(const Tensor& tensor) {
  std::uint64_t sum = 0;
  const std::vector<float> values = tensor.to_host<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint64_t z =
        (static_cast<std::uint64_t>(i) << 32) + std::bit_cast<std::uint32_t>(values[i]);
    z += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    sum += z ^ (z >> 31);
  }
  return sum;
}

}  // namespace

TEST_CASE("checksum: its definition, at sizes around those of a block's part") {
  for (const std::int64_t n : {0, 1, 17, 255, 256, 257, 5000}) {
    CAPTURE(n);
    const Tensor x = normal_tensor({n}, DType::f32, 3);
    CHECK(checksum({x}) == definition(x));
  }
}

TEST_CASE("checksum: any one bit, any exchange and any zero that moves changes it") {
  Tensor x = normal_tensor({300}, DType::f32, 1);
  std::set<std::uint64_t> seen{checksum({x})};
  auto* words = reinterpret_cast<std::uint32_t*>(x.raw());
  for (int bit = 0; bit < 32; ++bit) {
    words[7 * bit] ^= 1U << bit;
    CHECK(seen.insert(checksum({x})).second);
    words[7 * bit] ^= 1U << bit;
  }
  std::swap(words[3], words[4]);
  CHECK(seen.insert(checksum({x})).second);
  std::swap(words[3], words[4]);
  CHECK(checksum({x}) == *seen.find(checksum({x})));
  CHECK(checksum({Tensor::zeros({5}, DType::f32)}) != checksum({Tensor::zeros({6}, DType::f32)}));
  CHECK(checksum({normal_tensor({4}, DType::f64, 1)}) !=
        checksum({normal_tensor({4}, DType::f64, 2)}));
}

TEST_CASE("checksum: the GPU has the CPU's") {
  if (cuda_device_count() == 0) return skip_gpu_check("checksums on the GPU");
  const Device gpu{Device::Kind::cuda, 0};
  for (const std::int64_t n : {1, 257, 5000}) {
    CAPTURE(n);
    const Tensor x = normal_tensor({n}, DType::f32, 3);
    CHECK(checksum({x.to(gpu)}) == definition(x));
  }
}

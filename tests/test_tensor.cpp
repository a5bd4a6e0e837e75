// Tensors, element types and the allocator beneath them.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <type_traits>
#include <utility>

#include "core/allocator.hpp"
#include "core/device.hpp"
#include "core/tensor.hpp"
#include "kernels/elementwise/elementwise.hpp"
#include "kernels/rows/rows.hpp"
#include "tests/skip.hpp"

using namespace scimix;

#ifdef SCIMIX_SANITIZED
// The out-of-memory test asks for too much on purpose, and expects to be told so by a null pointer.
extern "C" const char* __asan_default_options() {  // NOLINT: the sanitizer's own name
  return "allocator_may_return_null=1";
}
#endif

namespace {

Tensor counting(const Shape& shape, DType dtype = DType::f32) {
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  std::iota(values.begin(), values.end(), 0.0);
  return Tensor::from(values, shape, dtype);
}

std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// The nearest bf16 of a finite f32 from the definition: of the two neighbours that share its upper
// bits, the nearer one, at a tie the one with an even last bit.
std::uint16_t nearest_bf16(float value) {
  const auto toward_zero = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
  const auto away = static_cast<std::uint16_t>(toward_zero + 1);
  const auto as_double = [](std::uint16_t bits) {
    const float f = std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
    // Rounding treats the infinity above the largest number as the next power of two.
    return std::isinf(f) ? std::copysign(0x1p128, f) : static_cast<double>(f);
  };
  const double below = std::abs(static_cast<double>(value) - as_double(toward_zero));
  const double above = std::abs(as_double(away) - static_cast<double>(value));
  if (below != above) return below < above ? toward_zero : away;
  return toward_zero % 2 == 0 ? toward_zero : away;
}

}  // namespace

TEST_SUITE_BEGIN("tensor");

TEST_CASE("shape: dimensions, counts and mistakes") {
  const Shape s{2, 3, 4};
  CHECK(s.rank() == 3);
  CHECK(s.numel() == 24);
  CHECK(s[-1] == 4);
  CHECK(s.with(-1, 5) == Shape{2, 3, 5});
  CHECK(Shape{}.numel() == 1);
  CHECK(Shape{0, 7}.numel() == 0);
  CHECK(Shape{2, 3} != Shape{2, 3, 1});
  CHECK(text(s) == "[2,3,4]");
  CHECK_THROWS_WITH_AS(static_cast<void>(s[3]), doctest::Contains("axis 3 of a shape of rank 3"),
                       Error);
  CHECK_THROWS_WITH_AS(static_cast<void>(Shape{1, 1, 1, 1, 1, 1}), doctest::Contains("rank 6"),
                       Error);
  CHECK_THROWS_WITH_AS(static_cast<void>(Shape{2, -1}), doctest::Contains("dimension 1 is -1"),
                       Error);
}

TEST_CASE("tensor: rows and reshape share storage, clone does not") {
  const Tensor t = counting({4, 3});
  const Tensor middle = t.rows(1, 3);
  CHECK(middle.shape() == Shape{2, 3});
  CHECK(middle.to_doubles() == std::vector<double>{3, 4, 5, 6, 7, 8});
  Tensor one = middle.rows(1, 2).reshape({3});
  CHECK(one.to_doubles() == std::vector<double>{6, 7, 8});
  const Tensor copy = t.clone();
  one.data<float>()[0] = -1.0F;
  CHECK(t.to_doubles()[6] == -1.0);
  CHECK(copy.to_doubles()[6] == 6.0);
  CHECK(t.rows(4, 4).numel() == 0);
  CHECK_THROWS_WITH_AS(static_cast<void>(t.rows(2, 5)), doctest::Contains("rows 2 to 5 of [4,3]"),
                       Error);
  CHECK_THROWS_WITH_AS(static_cast<void>(t.rows(3, 2)), doctest::Contains("rows 3 to 2"), Error);
  CHECK_THROWS_WITH_AS(static_cast<void>(t.reshape({5})), doctest::Contains("reshape of [4,3]"),
                       Error);
}

TEST_CASE("tensor: rows that lie one behind another are joined, others are not") {
  const Tensor t = counting({6, 3});
  const auto joined = [](const std::vector<Tensor>& parts) { return Tensor::joined(parts); };
  const Tensor all = joined({t.rows(1, 3), t.rows(3, 3), t.rows(3, 6)});
  REQUIRE(all.defined());
  CHECK(all.shape() == Shape{5, 3});
  CHECK(all.raw() == t.rows(1, 6).raw());
  CHECK(all.to_doubles() == t.rows(1, 6).to_doubles());
  CHECK(joined({t}).raw() == t.raw());
  CHECK(!joined({}).defined());
  CHECK(!joined({t.rows(0, 2), t.rows(3, 6)}).defined());  // a gap
  CHECK(!joined({t.rows(3, 6), t.rows(0, 3)}).defined());  // backwards
  CHECK(!joined({t.rows(0, 3), t.rows(2, 6)}).defined());  // overlapping
  CHECK(!joined({t.rows(0, 3), t.clone().rows(3, 6)}).defined());
  CHECK(!joined({t.rows(0, 3), t.rows(3, 6).reshape({9})}).defined());
  CHECK(!joined({t.rows(0, 2), t.rows(2, 4).reshape({3, 2})}).defined());
}

TEST_CASE("tensor: a view keeps its storage alive") {
  Tensor view;
  const std::size_t before = memory_stats(kCpu).in_use;
  {
    const Tensor t = counting({1000, 10});
    view = t.rows(999, 1000);
  }
  CHECK(memory_stats(kCpu).in_use > before);
  CHECK(view.to_doubles().back() == 9999.0);
  view = Tensor();
  CHECK(memory_stats(kCpu).in_use == before);
}

// What the compiler must refuse: a const Tensor is not written, and no kernel takes it as an
// output.
using ConstData = decltype(std::declval<const Tensor&>().data<float>());
static_assert(std::is_same_v<ConstData, const float*>);
static_assert(std::is_same_v<decltype(std::declval<const Tensor&>().raw()), const std::byte*>);
static_assert(!std::is_constructible_v<Output, const Tensor&>);
static_assert(!std::is_constructible_v<Output, const Tensor>);
static_assert(!std::is_invocable_v<decltype(fill), const Tensor&, double>);
// Output accepts non-const Tensors, temporary views, and other Outputs, even const ones.
static_assert(std::is_convertible_v<Tensor&, Output>);
static_assert(std::is_convertible_v<Tensor, Output>);
static_assert(std::is_same_v<decltype(std::declval<const Output&>().data<float>()), float*>);
static_assert(std::is_convertible_v<const Output&, const Tensor&>);

TEST_CASE("tensor: an Output writes the elements of the tensor that it was made from") {
  Tensor t = counting({4});
  const Output whole(t);
  whole.data<float>()[0] = 9.0F;
  const Output last(t.rows(3, 4));
  last.zero_();
  CHECK(t.to_doubles() == std::vector<double>{9, 1, 2, 0});
  whole.copy_(counting({4}));
  CHECK(t.to_doubles() == std::vector<double>{0, 1, 2, 3});
  CHECK(whole.borrowed().raw() == t.raw());
  CHECK_FALSE(Output().defined());
}

TEST_CASE("tensor: a borrowed Output does not keep the memory") {
  const auto before = memory_stats(kCpu).in_use;
  std::optional<Tensor> t = Tensor::empty({1000}, DType::f32);
  const Output borrowed = Output(*t).borrowed();
  CHECK(memory_stats(kCpu).in_use > before);
  t.reset();
  CHECK(memory_stats(kCpu).in_use == before);
  CHECK(borrowed.defined());
}

// Rows of eight numbers are filled in packs; rows of three are not aligned to packs.
TEST_CASE("tensor: the GPU fills rows, and no number beside them") {
  if (cuda_device_count() == 0) return skip_gpu_check("fill of a tensor on the GPU");
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const std::int64_t width : {8, 3}) {
      CAPTURE(name_of(dtype));
      CAPTURE(width);
      Tensor t = Tensor::zeros({5, width}, dtype, {Device::Kind::cuda, 0});
      fill(t.rows(1, 4), 2.5);
      const std::vector<double> found = t.to_doubles();
      for (std::int64_t i = 0; i < t.numel(); ++i) {
        CAPTURE(i);
        const bool inside = i >= width && i < 4 * width;
        CHECK(found[static_cast<std::size_t>(i)] == (inside ? 2.5 : 0.0));
      }
    }
  }
}

// Kernels write packs of 16 bytes where they can. Here every result begins one number behind the
// start of a pack, and whole numbers below 32 are exact in bf16, too.
TEST_CASE("tensor: the GPU writes results that are not aligned") {
  if (cuda_device_count() == 0) return skip_gpu_check("results that are not aligned, on the GPU");
  const Device gpu{Device::Kind::cuda, 0};
  for (const DType dtype : {DType::f32, DType::bf16}) {
    CAPTURE(name_of(dtype));
    const Tensor x = counting({16}, dtype).to(gpu);
    const Tensor rows = x.reshape({2, 8});
    const std::vector<std::int32_t> second_first{1, 0};
    const Tensor index = Tensor::from_host<std::int32_t>(second_first, {2}, gpu);
    Tensor y = Tensor::zeros({66}, dtype, gpu);
    map_unary(Unary::scale, x, y.rows(1, 17), 2.0);
    map_binary(Binary::add, x, x, y.rows(17, 33), 0.0);
    map_binary(Binary::add, rows, x.rows(0, 8), y.rows(33, 49).reshape({2, 8}), 0.0);
    gather(rows, index, y.rows(49, 65).reshape({2, 8}));
    std::vector<double> expected(66, 0.0);
    for (std::size_t i = 0; i < 16; ++i) {
      expected[1 + i] = 2.0 * static_cast<double>(i);
      expected[17 + i] = 2.0 * static_cast<double>(i);
      expected[33 + i] = static_cast<double>(i + i % 8);
      expected[49 + i] = static_cast<double>((i + 8) % 16);
    }
    CHECK(y.to_doubles() == expected);
  }
}

TEST_CASE("tensor: element types are checked") {
  Tensor t = counting({3});
  CHECK_THROWS_WITH_AS(static_cast<void>(t.data<double>()),
                       doctest::Contains("asked for f64 of a tensor of f32"), Error);
  CHECK_THROWS_WITH_AS(t.copy_(counting({4})), doctest::Contains("copy of [4]"), Error);
  CHECK_THROWS_WITH_AS(t.copy_(counting({3}, DType::f64)), doctest::Contains("f64"), Error);
  const std::vector<double> two{1, 2};
  CHECK_THROWS_WITH_AS(static_cast<void>(Tensor::from(two, {3}, DType::f32)),
                       doctest::Contains("[3]"), Error);
}

TEST_CASE("tensor: host values survive every element type") {
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16, DType::i32, DType::u8}) {
    CAPTURE(name_of(dtype));
    Tensor t = counting({2, 5}, dtype);
    CHECK(t.bytes() == 10 * size_of(dtype));
    CHECK(t.to_doubles() == std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    t.zero_();
    CHECK(t.to_doubles() == std::vector<double>(10, 0.0));
  }
  const std::vector<std::int32_t> labels{3, -1, 7};
  CHECK(Tensor::from_host<std::int32_t>(labels, {3}).to_host<std::int32_t>() == labels);
  CHECK(Tensor::from({}, {0, 4}, DType::f32).to_doubles().empty());
}

TEST_CASE("bf16: all 65536 patterns survive the way to f32 and back") {
  int wrong = 0;
  for (std::uint32_t pattern = 0; pattern < 65536; ++pattern) {
    bf16 x;
    x.bits = static_cast<std::uint16_t>(pattern);
    const float wide = x;
    const bf16 back(wide);
    const bool nan = (pattern & 0x7F80) == 0x7F80 && (pattern & 0x7F) != 0;
    wrong += std::isnan(wide) == nan ? 0 : 1;
    // A signalling NaN comes back quiet; every other pattern comes back itself.
    const std::uint32_t expected = nan ? pattern | 0x40 : pattern;
    wrong += back.bits == expected ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEST_CASE("bf16: rounding goes to the nearest, ties to even") {
  // Around every bf16 number: the middle to the next one, and its neighbours in f32.
  int wrong = 0;
  for (std::uint32_t upper = 0; upper < 65536; ++upper) {
    if ((upper & 0x7F80) == 0x7F80) continue;  // infinity and NaN
    for (const std::uint32_t lower : {0x0000U, 0x0001U, 0x7FFFU, 0x8000U, 0x8001U, 0xFFFFU}) {
      const auto value = std::bit_cast<float>((upper << 16) | lower);
      wrong += bf16(value).bits == nearest_bf16(value) ? 0 : 1;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("bf16: infinities and NaN") {
  const float inf = std::numeric_limits<float>::infinity();
  CHECK(bf16(inf).bits == 0x7F80);
  CHECK(bf16(-inf).bits == 0xFF80);
  CHECK(bf16(std::numeric_limits<float>::max()).bits == 0x7F80);
  CHECK(std::isnan(static_cast<float>(bf16(std::numeric_limits<float>::quiet_NaN()))));
  // A NaN whose payload lies in the lower half alone must not become an infinity.
  CHECK(std::isnan(static_cast<float>(bf16(std::bit_cast<float>(0x7F800001U)))));
  CHECK(std::isnan(static_cast<float>(bf16(std::bit_cast<float>(0xFFFFFFFFU)))));
}

TEST_CASE("allocator: a freed block is used again") {
  static_cast<void>(Tensor::empty({1234}, DType::f32));
  const MemoryStats before = memory_stats(kCpu);
  for (int i = 0; i < 10; ++i) static_cast<void>(Tensor::empty({1234}, DType::f32));
  const MemoryStats after = memory_stats(kCpu);
  CHECK(after.system_calls == before.system_calls);
  CHECK(after.allocations == before.allocations + 10);
  CHECK(after.in_use == before.in_use);
  CHECK(after.reserved == before.reserved);
}

TEST_CASE("allocator: counts what is in use, and its peak") {
  const std::size_t before = memory_stats(kCpu).in_use;
  reset_peak(kCpu);
  {
    Tensor a = Tensor::empty({1 << 20}, DType::f32);
    const std::size_t with_a = memory_stats(kCpu).in_use;
    CHECK(with_a >= before + a.bytes());
    CHECK(with_a <= before + a.bytes() + a.bytes() / 8);  // size classes grow by an eighth
    static_cast<void>(Tensor::empty({1 << 20}, DType::f32));
  }
  CHECK(memory_stats(kCpu).in_use == before);
  CHECK(memory_stats(kCpu).peak >= before + 2 * sizeof(float) * (1 << 20));
  release_cached(kCpu);
  CHECK(memory_stats(kCpu).reserved >= memory_stats(kCpu).in_use);
}

TEST_CASE("allocator: blocks are aligned for vectors and never overlap") {
  std::vector<Tensor> held;
  for (std::int64_t n = 0; n < 300; n += 7) held.push_back(Tensor::zeros({n}, DType::u8));
  for (std::size_t i = 0; i < held.size(); ++i) {
    CHECK(reinterpret_cast<std::uintptr_t>(held[i].raw()) % 64 == 0);
    std::memset(held[i].raw(), static_cast<int>(i), held[i].bytes());
  }
  for (std::size_t i = 0; i < held.size(); ++i) {
    for (const double value : held[i].to_doubles()) REQUIRE(value == static_cast<double>(i));
  }
}

TEST_CASE("allocator: out of memory says who holds how much") {
  const MemoryLabel outer("activations of the test");
  Tensor held = Tensor::empty({1000}, DType::f32);
  const std::string message = message_of([] {
    const MemoryLabel inner("a far too large tensor");
    static_cast<void>(Tensor::empty({std::int64_t{1} << 55}, DType::f32));
  });
  CAPTURE(message);
  CHECK(message.find("out of memory on cpu") != std::string::npos);
  CHECK(message.find("for a far too large tensor") != std::string::npos);
  CHECK(message.find("activations of the test 4") != std::string::npos);
  // The pool still works.
  CHECK(Tensor::zeros({10}, DType::f32).to_doubles() == std::vector<double>(10, 0.0));
}

TEST_CASE("memory check: new memory is poisoned") {
  const MemoryCheck check;
  for (const DType dtype : {DType::f64, DType::f32, DType::bf16}) {
    for (const double value : Tensor::empty({100}, dtype).to_doubles()) REQUIRE(std::isnan(value));
  }
  CHECK(check.violations().empty());
}

TEST_CASE("memory check: a write before or behind a block is found, held or freed") {
  for (const std::int64_t where : {std::int64_t{-1}, std::int64_t{10}}) {
    for (const bool freed : {false, true}) {
      CAPTURE(where);
      CAPTURE(freed);
      const MemoryCheck check;
      const MemoryLabel label("the culprit");
      Tensor t = Tensor::zeros({10}, DType::u8);
      t.data<std::uint8_t>()[where] = 1;
      if (freed) t = Tensor();
      const std::string found = check.violations();
      CAPTURE(found);
      CHECK(found.find(text("the culprit: byte ", where, " of a block of 10 was overwritten")) !=
            std::string::npos);
    }
  }
}

TEST_CASE("memory check: outlived by its blocks, and without effect on older ones") {
  const Tensor older = Tensor::zeros({10}, DType::f32);
  Tensor younger;
  {
    const MemoryCheck check;
    younger = Tensor::zeros({10}, DType::f32);
    CHECK(check.violations().empty());
  }
  const std::size_t before = memory_stats(kCpu).in_use;
  younger = Tensor();
  CHECK(memory_stats(kCpu).in_use < before);
  CHECK(older.to_doubles() == std::vector<double>(10, 0.0));
}

TEST_SUITE_END();

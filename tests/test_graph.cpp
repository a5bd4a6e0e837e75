// Graphs: what is recorded is replayed as it was asked for, in memory that nobody else gets.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "core/error.hpp"
#include "core/graph.hpp"
#include "core/work.hpp"
#include "kernels/elementwise/elementwise.hpp"
#include "kernels/optim/schedule.hpp"

using namespace scimix;

namespace {

Tensor of(std::initializer_list<double> values) {
  const std::vector<double> list(values);
  return Tensor::from(list, {static_cast<std::int64_t>(list.size())}, DType::f32);
}

void add_to(const Output& sum, const Tensor& x) {
  map_binary(Binary::add, sum, x, sum, 0);
}

}  // namespace

TEST_CASE("a graph runs when it is replayed, not when it is recorded") {
  const MemoryArena arena(kCpu);
  const Tensor x = of({1, 2, 3});
  Tensor sum = Tensor::zeros({3}, DType::f32);
  const Graph graph(kCpu, arena, [&] {
    CHECK(is_capturing());
    add_to(sum, x);
  });
  CHECK_FALSE(is_capturing());
  CHECK(sum.to_doubles() == std::vector<double>{0, 0, 0});
  graph.replay();
  graph.replay();
  CHECK(sum.to_doubles() == std::vector<double>{2, 4, 6});
}

TEST_CASE("a replay reads what is in memory then, and keeps the numbers it was recorded with") {
  const MemoryArena arena(kCpu);
  Tensor x = of({1, 2});
  Tensor y = Tensor::zeros({2}, DType::f32);
  double factor = 10;
  const Graph graph(kCpu, arena, [&] { map_unary(Unary::scale, x, y, factor); });
  factor = 1000;
  graph.replay();
  CHECK(y.to_doubles() == std::vector<double>{10, 20});
  x.copy_(of({3, 4}));
  graph.replay();
  CHECK(y.to_doubles() == std::vector<double>{30, 40});
}

TEST_CASE("fills and copies inside a device are recorded too") {
  const MemoryArena arena(kCpu);
  Tensor x = of({1, 2});
  Tensor y = of({3, 4});
  const Graph graph(kCpu, arena, [&] {
    y.copy_(x);
    x.zero_();
  });
  CHECK(y.to_doubles() == std::vector<double>{3, 4});
  graph.replay();
  CHECK(y.to_doubles() == std::vector<double>{1, 2});
  CHECK(x.to_doubles() == std::vector<double>{0, 0});
}

TEST_CASE("forward and backward passes replay bit for bit") {
  const MemoryArena arena(kCpu);
  Variable w(of({0.5, -0.25, 2}), true);
  Tensor gradient = Tensor::zeros({3}, DType::f32);
  w.bind_grad(gradient);
  Tensor x = of({1, 2, 3});
  const auto pass = [&] {
    gradient.zero_();
    backward(sum(square(mul(tanh(mul(w, Variable(x))), w))), {.grads_are_zero = true});
  };
  const Graph graph(kCpu, arena, pass);
  for (const double first : {1.0, -3.0}) {
    x.copy_(of({first, 2, 3}));
    graph.replay();
    const std::vector<double> replayed = w.grad().to_doubles();
    pass();
    CHECK(replayed == w.grad().to_doubles());
  }
}

TEST_CASE("a step counter in memory makes replays differ") {
  const MemoryArena arena(kCpu);
  Tensor step = Tensor::zeros({1}, DType::i32);
  Tensor weight = Tensor::zeros({1}, DType::f32);
  const WeightRamp ramp{.highest = 8, .total_steps = 4, .share = 1};
  const Graph graph(kCpu, arena, [&] {
    advance_step(step);
    set_ramp(step, ramp, weight);
  });
  for (const double expected : {2.0, 4.0, 6.0, 8.0, 8.0}) {
    graph.replay();
    CHECK(weight.to_doubles()[0] == expected);
  }
}

// Were the blocks of a graph given to others, a replay would overwrite what they hold.
TEST_CASE("nobody else is given the memory of a graph") {
  std::optional<MemoryArena> arena(kCpu);
  const Tensor x = of({1, 2, 3});
  Tensor y = Tensor::zeros({3}, DType::f32);
  const std::byte* inner = nullptr;
  std::optional<Graph> graph(std::in_place, kCpu, *arena, [&] {
    Tensor between = Tensor::empty({3}, DType::f32);
    inner = between.raw();
    map_unary(Unary::scale, x, between, 2);
    map_unary(Unary::scale, between, y, 5);
  });
  std::vector<Tensor> others;
  for (int i = 0; i < 50; ++i) {
    others.push_back(Tensor::zeros({3}, DType::f32));
    CHECK(others.back().raw() != inner);
  }
  graph->replay();
  CHECK(y.to_doubles() == std::vector<double>{10, 20, 30});
  for (const Tensor& other : others) CHECK(other.to_doubles() == std::vector<double>{0, 0, 0});

  // With the arena its memory is everybody's again.
  others.clear();
  graph.reset();
  arena.reset();
  const std::uint64_t before = memory_stats(kCpu).system_calls;
  bool found = false;
  for (int i = 0; i < 60 && !found; ++i) {
    others.push_back(Tensor::zeros({3}, DType::f32));
    found = others.back().raw() == inner;
  }
  CHECK(found);
  CHECK(memory_stats(kCpu).system_calls == before);
}

TEST_CASE("within a graph a block is used again, and by the next graph of the arena") {
  const MemoryArena arena(kCpu);
  const Tensor x = of({1, 2, 3});
  Tensor y = Tensor::zeros({3}, DType::f32);
  std::vector<const std::byte*> blocks;
  const auto body = [&] {
    for (int i = 0; i < 4; ++i) {
      Tensor between = Tensor::empty({3}, DType::f32);
      blocks.push_back(between.raw());
      map_unary(Unary::scale, x, between, i);
      add_to(y, between);
    }
  };
  const Graph first(kCpu, arena, body);
  const Graph second(kCpu, arena, body);
  for (const std::byte* const block : blocks) CHECK(block == blocks.front());
  first.replay();
  second.replay();
  CHECK(y.to_doubles() == std::vector<double>{12, 24, 36});  // (0 + 1 + 2 + 3) x, twice
}

TEST_CASE("a graph refuses what it cannot replay, and nothing stays behind") {
  const MemoryArena arena(kCpu);
  Tensor x = of({1, 2});
  const auto record = [&](const std::function<void()>& body) { const Graph g(kCpu, arena, body); };
  CHECK_THROWS_WITH_AS(record([&] { static_cast<void>(x.to_doubles()); }),
                       doctest::Contains("inside a captured step"), Error);
  CHECK_THROWS_WITH_AS(record([&] { static_cast<void>(of({1})); }),
                       doctest::Contains("inside a captured step"), Error);
  CHECK_THROWS_WITH_AS(record([&] { synchronize(kCpu); }), doctest::Contains("waiting for cpu"),
                       Error);
  CHECK_THROWS_WITH_AS(record([&] { record([] {}); }), doctest::Contains("while recording another"),
                       Error);
  CHECK_FALSE(is_capturing());
  add_to(x, of({1, 1}));
  CHECK(x.to_doubles() == std::vector<double>{2, 3});
}

TEST_CASE("work is counted by kind and named by kernel") {
  const Tensor x = of({1, 2, 3});
  Tensor y = Tensor::empty({3}, DType::f32);
  const WorkCounts before = work_counts();
  const WorkPlan plan;
  map_unary(Unary::scale, x, y, 2);
  map_unary(Unary::scale, y, y, 2);
  y.copy_(x);
  y.zero_();
  gemm(x.reshape({3, 1}), x.reshape({1, 3}), Tensor::empty({3, 3}, DType::f32), Gemm{});
  static_cast<void>(y.to_doubles());
  synchronize(kCpu);
  const WorkCounts found = work_counts() - before;
  CHECK(found == WorkCounts{.kernels = 2,
                            .library_calls = 1,
                            .copies = 1,
                            .fills = 1,
                            .host_copies = 1,
                            .synchronizations = 1});
  CHECK(found.launches() == 5);
  const auto lines = plan.by_name();
  REQUIRE(lines.size() == 5);
  CHECK(lines[0].name == "map_unary");
  CHECK(lines[0].count == 2);
  // Each call reads three numbers of 4 bytes and writes three.
  CHECK(lines[0].bytes == 2 * 2 * 3 * 4);
  const auto bytes_of = [&](const std::string& name) {
    const auto line = std::ranges::find(lines, name, &WorkPlan::Line::name);
    return line == lines.end() ? 0 : line->bytes;
  };
  CHECK(bytes_of("(copy)") == 2 * 3 * 4);
  CHECK(bytes_of("(fill)") == 3 * 4);
  CHECK(bytes_of("gemm") == (3 + 3 + 9) * 4);
  CHECK(plan.entries()[4].name == "gemm");
  CHECK(plan.entries()[4].kind == Work::library);
}

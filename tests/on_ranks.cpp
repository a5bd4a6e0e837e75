// What several ranks do together. These cases run in each of several processes, which the cases in
// test_ranks.cpp start.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <thread>

#include "autograd/ops.hpp"
#include "autograd/tape.hpp"
#include "core/ranks.hpp"
#include "kernels/elementwise/elementwise.hpp"
#include "models/wide_resnet.hpp"
#include "network_checks.hpp"
#include "trainers/gradient_exchange.hpp"
#include "trainers/rank_state.hpp"

using namespace scimix;

namespace {

bool alone() {
  return std::getenv("SCIMIX_ON_RANKS") == nullptr;
}

// MPI can be started once in a process.
Ranks& ranks() {
  static Ranks all;
  return all;
}

Comm& comm() {
  return ranks().comm(kCpu, /*timeout_seconds=*/60);
}

Tensor numbers(const std::vector<double>& values, DType dtype) {
  return Tensor::from(values, {std::ssize(values)}, dtype);
}

// 1 + 2 + ... + R
double sum_of_places() {
  return comm().size() * (comm().size() + 1) / 2.0;
}

using Numbers = std::vector<double>;

// Rows of this rank of a batch that all ranks would otherwise hold.
Tensor rows_of(const Tensor& all) {
  const std::int64_t first = comm().first_row(all.dim(0));
  return all.rows(first, first + comm().row_count(all.dim(0))).clone();
}

}  // namespace

TEST_SUITE_BEGIN("on ranks");

TEST_CASE("on ranks: as many as were started, each in its place" * doctest::skip(alone())) {
  const int started = std::atoi(std::getenv("SCIMIX_ON_RANKS"));
  CHECK(ranks().size() == started);
  CHECK(ranks().local_size() == started);  // all on this machine
  CHECK(ranks().rank() < started);
  CHECK(ranks().local_rank() == ranks().rank());
}

TEST_CASE("on ranks: sums, in every type" * doctest::skip(alone())) {
  const double place = comm().rank() + 1;
  for (const DType dtype : {DType::f32, DType::f64, DType::i32}) {
    CAPTURE(name_of(dtype));
    Tensor x = numbers({place, 10 * place, 0}, dtype);
    comm().all_reduce(x);
    CHECK(x.to_doubles() == Numbers{sum_of_places(), 10 * sum_of_places(), 0});
  }
  Tensor none = Tensor::empty({0}, DType::f32);
  comm().all_reduce(none);
  CHECK_THROWS_WITH_AS(comm().all_reduce(Tensor::zeros({2}, DType::u8)),
                       doctest::Contains("a sum over ranks of u8"), Error);
}

TEST_CASE("on ranks: sums beside other work, in the order in which they began" *
          doctest::skip(alone())) {
  std::vector<Tensor> parts;
  const std::int64_t before = comm().stats().bytes;
  for (int i = 0; i < 20; ++i) {
    parts.push_back(Tensor::empty({1000 * i + 1}, DType::f32));
    fill(parts.back(), (comm().rank() + 1.0) * i);
    comm().start_all_reduce(parts.back());
  }
  comm().finish_all_reduces();
  for (int i = 0; i < 20; ++i) {
    const Numbers found = parts[static_cast<std::size_t>(i)].to_doubles();
    CHECK(found == Numbers(found.size(), sum_of_places() * i));
  }
  CHECK(comm().stats().bytes - before == 4 * (1000 * 190 + 20));
  CHECK(comm().stats().busy_seconds > 0);
}

TEST_CASE("on ranks: rows are gathered in the order of ranks, and scattered back" *
          doctest::skip(alone())) {
  const int count = comm().size();
  for (const DType dtype : {DType::f32, DType::bf16, DType::u8}) {
    CAPTURE(name_of(dtype));
    const Tensor mine = Tensor::from(Numbers{1.0 * comm().rank(), 7}, {1, 2}, dtype);
    Tensor all = Tensor::empty({count, 2}, dtype);
    comm().all_gather(mine, all);
    const Numbers found = all.to_doubles();
    for (int rank = 0; rank < count; ++rank) {
      CHECK(found[static_cast<std::size_t>(2 * rank)] == rank);
      CHECK(found[static_cast<std::size_t>(2 * rank + 1)] == 7);
    }
  }
  Numbers rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), 100.0 * comm().rank());
  Tensor mine = Tensor::empty({1}, DType::f64);
  comm().reduce_scatter(numbers(rows, DType::f64), mine);
  // 100 (0 + 1 + ...) from the ranks, and R times the row's own number.
  CHECK(mine.to_doubles()[0] ==
        100.0 * count * (count - 1) / 2 + static_cast<double>(count * comm().rank()));
}

TEST_CASE("on ranks: rank 0 is heard by all, and numbers come by rank" * doctest::skip(alone())) {
  Tensor x = numbers({comm().rank() + 0.5}, DType::f32);
  comm().broadcast(x);
  CHECK(x.to_doubles() == Numbers{0.5});
  CHECK(ranks().agree(comm().rank() == 0));
  CHECK_FALSE(ranks().agree(comm().rank() != 0));
  const Numbers mine{1.0 * comm().rank(), -1};
  const Numbers all = comm().all_gather(mine);
  REQUIRE(std::ssize(all) == 2 * comm().size());
  for (int rank = 0; rank < comm().size(); ++rank) {
    CHECK(all[static_cast<std::size_t>(2 * rank)] == rank);
  }
  comm().barrier();
}

// <gather(x), h> = <x, scatter(h)>, with both sides summed over ranks: the definition of adjoints.
TEST_CASE("on ranks: the operators are each other's adjoints" * doctest::skip(alone())) {
  const auto item = static_cast<std::uint32_t>(comm().rank());
  const Variable x(normal_tensor({2, 3}, DType::f64, item), /*requires_grad=*/true);
  const Variable h(normal_tensor({2 * comm().size(), 3}, DType::f64, 100 + item));
  const Variable here = sum(mul(gather_ranks(x, comm()), h));
  Tensor left = here.value().clone();
  Tensor right = sum(mul(x, scatter_ranks(h, comm()))).value().clone();
  comm().all_reduce(left);
  comm().all_reduce(right);
  CHECK(left.to_doubles()[0] == doctest::Approx(right.to_doubles()[0]).epsilon(1e-13));
  // What backward computes is that adjoint.
  backward(here);
  CHECK(max_difference(x.grad(), scatter_ranks(h, comm()).value()) == 0.0);
}

namespace {

struct NormResult {
  Tensor y, gx, ggamma, gbeta, mean, variance;
};

// Batch norm of rows x with cotangent gy, in two segments of which the first has `first` rows.
NormResult run_norm(const Tensor& x_rows, const Tensor& gy, std::int64_t first, Comm* over) {
  const Variable x(x_rows, true);
  const Variable gamma(normal_tensor({5}, x.dtype(), 3), true);
  const Variable beta(normal_tensor({5}, x.dtype(), 4), true);
  NormResult out;
  out.mean = Tensor::zeros({5}, x.dtype());
  out.variance = Tensor::zeros({5}, x.dtype());
  const BatchNorm options{
      .momentum = 0.1, .slope = 0.1, .segments = {first, x_rows.dim(0) - first}, .ranks = over};
  const Variable y = batch_norm(x, gamma, beta, {out.mean, out.variance}, options);
  backward(y, {.seed = Variable(gy)});
  out.y = y.value();
  out.gx = x.grad();
  out.ggamma = gamma.grad();
  out.gbeta = beta.grad();
  return out;
}

}  // namespace

// All rows on one rank are the definition. Segments of all ranks are those of each below each
// other.
TEST_CASE("on ranks: statistics of a batch that ranks share" * doctest::skip(alone())) {
  const std::int64_t count = comm().size();
  for (const DType dtype : {DType::f64, DType::f32}) {
    CAPTURE(name_of(dtype));
    const double tolerance = dtype == DType::f64 ? 1e-12 : 2e-5;
    const Tensor first = normal_tensor({3 * count, 2, 2, 5}, dtype, 1);
    const Tensor second = normal_tensor({4 * count, 2, 2, 5}, dtype, 2);
    const auto both = [](const Tensor& a, const Tensor& b) {
      const std::vector<Variable> parts{Variable(a), Variable(b)};
      return concat_rows(parts).value();
    };
    const Tensor mine = both(rows_of(first), rows_of(second));
    const Tensor gy_first = normal_tensor(first.shape(), dtype, 5);
    const Tensor gy_second = normal_tensor(second.shape(), dtype, 6);
    NormResult shared = run_norm(mine, both(rows_of(gy_first), rows_of(gy_second)), 3, &comm());
    const NormResult whole =
        run_norm(both(first, second), both(gy_first, gy_second), 3 * count, nullptr);

    const auto mine_of = [&](const Tensor& all) {
      return both(rows_of(all.rows(0, 3 * count)), rows_of(all.rows(3 * count, 7 * count)));
    };
    CHECK(max_difference(shared.y, mine_of(whole.y)) < tolerance);
    CHECK(max_difference(shared.gx, mine_of(whole.gx)) < tolerance);
    CHECK(max_difference(shared.mean, whole.mean) < tolerance);
    CHECK(max_difference(shared.variance, whole.variance) < tolerance);
    // Of the rows here alone: the gradients' own sum over ranks comes later.
    comm().all_reduce(shared.ggamma);
    comm().all_reduce(shared.gbeta);
    CHECK(max_difference(shared.ggamma, whole.ggamma) < 10 * tolerance);
    CHECK(max_difference(shared.gbeta, whole.gbeta) < 10 * tolerance);
  }
}

TEST_CASE("on ranks: the exchanged gradients are those of the whole batch, in any bucket" *
          doctest::skip(alone())) {
  const WideResNetConfig config{.depth = 10, .width = 1, .classes = 3};
  const Tensor images = normal_tensor({4 * comm().size(), 8, 8, 3}, DType::f64, 9);
  const auto loss_of = [](const WideResNet& network, const Tensor& x, Comm* over) {
    const auto out = network.forward(Variable(x), {.mode = NormMode::batch_only, .ranks = over});
    return mean(square(out.logits));
  };
  WideResNet whole(config, 1, kCpu, DType::f64);
  whole.parameters().zero_grad();
  backward(loss_of(whole, images, nullptr));
  std::int64_t fewest = 0;
  for (const std::int64_t bytes : {std::int64_t{1} << 10, GradientExchange::kBucketBytes}) {
    WideResNet mine(config, 1, kCpu, DType::f64);
    GradientExchange exchange(comm(), {&mine.parameters()}, bytes);
    fewest = exchange.buckets();
    exchange.backward(loss_of(mine, rows_of(images), &comm()));
    CHECK(max_difference(mine.parameters().gradient_slab().flat(),
                         whole.parameters().gradient_slab().flat()) < 1e-13);
  }
  CHECK(fewest == 2);  // kernels, and the rest
}

// A bucket of which a part never gets a gradient must not be waited for.
TEST_CASE("on ranks: a network that the loss does not reach has gradients of 0" *
          doctest::skip(alone())) {
  const WideResNetConfig config{.depth = 10, .width = 1, .classes = 3};
  WideResNet used(config, 1, kCpu);
  WideResNet unused(config, 2, kCpu);
  fill(unused.parameters().gradient_slab().flat(), 5);
  GradientExchange exchange(comm(), {&unused.parameters(), &used.parameters()});
  const Tensor images = normal_tensor({2, 8, 8, 3}, DType::f32, 9);
  exchange.backward(
      mean(square(used.forward(Variable(images), {.mode = NormMode::batch_only}).features)));
  CHECK(mean_square(unused.parameters().gradient_slab().flat()) == 0);
  CHECK(mean_square(parameter_named(used.parameters(), "conv1.weight")) > 0);
  // The classifier behind the features is in a bucket with kernels that do get gradients.
  for (const auto& gradient : used.parameters().gradients()) {
    CAPTURE(gradient.name);
    CHECK((mean_square(gradient.value()) > 0) == !gradient.name.starts_with("fc."));
  }
}

TEST_CASE("on ranks: another parameter on one rank is found, and the rank named" *
          doctest::skip(alone())) {
  const WideResNet network({.depth = 10, .width = 1, .classes = 3}, 1, kCpu);
  CheckpointTensors state;
  append(state, "model.", network.parameters().parameters());
  append(state, "model.", network.parameters().buffers());
  check_equal_parameters(state, 7, comm());

  // Running statistics may differ: they are those of each rank's images.
  network.parameters().buffers().front().change([](Tensor& value) { fill(value, comm().rank()); });
  check_equal_parameters(state, 7, comm());

  const int odd = comm().size() - 1;
  if (comm().rank() == odd) {
    Tensor weight = parameter_named(network.parameters(), "fc.weight");
    auto* bits = reinterpret_cast<std::uint32_t*>(weight.raw());
    bits[5] ^= 1U;  // the last bit of one number
  }
  const std::string expected =
      "step 7: rank " + std::to_string(odd) + " holds other parameters than rank 0";
  CHECK_THROWS_WITH_AS(check_equal_parameters(state, 7, comm()),
                       doctest::Contains(expected.c_str()), Error);

  Tensor step = Tensor::zeros({1}, DType::i32);
  const std::int32_t twelve = 12;
  if (comm().rank() == 0) step.copy_from_host(&twelve);
  CHECK(share_tensors(state, step, comm()) == 12);
  check_equal_parameters(state, 12, comm());
}

// One GPU carries one rank, in which sums change nothing; several GPUs carry several.
TEST_CASE("on ranks: the same operations by NCCL" * doctest::skip(alone())) {
  if (ranks().local_size() > cuda_device_count()) return;
  const Device device = ranks().device(ranks().size() > 1 ? "cuda" : "cuda:0");
  select_device(device);
  Comm& gpu = ranks().comm(device, /*timeout_seconds=*/60);
  const double place = gpu.rank() + 1;
  const auto on_gpu = [&](const Numbers& values, DType dtype) {
    return numbers(values, dtype).to(device);
  };
  for (const DType dtype : {DType::f32, DType::f64, DType::i32}) {
    CAPTURE(name_of(dtype));
    Tensor x = on_gpu({place, 10 * place}, dtype);
    gpu.all_reduce(x);
    gpu.wait_for_device();
    CHECK(x.to_doubles() == Numbers{sum_of_places(), 10 * sum_of_places()});
  }
  std::vector<Tensor> parts;
  for (int i = 1; i <= 8; ++i) {
    parts.push_back(Tensor::empty({1000 * i}, DType::f32, device));
    fill(parts.back(), place * i);
    gpu.start_all_reduce(parts.back());
  }
  gpu.finish_all_reduces();
  for (int i = 1; i <= 8; ++i) {
    const Numbers found = parts[static_cast<std::size_t>(i - 1)].to_doubles();
    CHECK(found == Numbers(found.size(), sum_of_places() * i));
  }
  Tensor all = Tensor::empty({gpu.size(), 2}, DType::bf16, device);
  gpu.all_gather(on_gpu({place, 7}, DType::bf16).reshape({1, 2}), all);
  Tensor mine = Tensor::empty({1, 2}, DType::f32, device);
  gpu.reduce_scatter(cast(Variable(all), DType::f32).value(), mine);
  CHECK(mine.to_doubles() == Numbers{place * gpu.size(), 7.0 * gpu.size()});
  Tensor said = on_gpu({place}, DType::f32);
  gpu.broadcast(said);
  CHECK(said.to_doubles() == Numbers{1});
}

TEST_SUITE_END();

TEST_SUITE_BEGIN("ranks that fail");

// Run by itself: it ends the whole run.
TEST_CASE("on failing ranks: one that computes for too long is named" * doctest::skip(true)) {
  Comm& impatient = ranks().comm(kCpu, /*timeout_seconds=*/2);
  impatient.barrier();
  if (ranks().rank() == 1) std::this_thread::sleep_for(std::chrono::seconds(60));
  impatient.barrier();
}

TEST_SUITE_END();

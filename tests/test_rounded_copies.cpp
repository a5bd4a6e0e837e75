// The bf16 copies of parameters that forward passes read: they hold the rounded parameters after
// whatever changes these.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/comm.hpp"
#include "models/module.hpp"
#include "temp_folder.hpp"
#include "trainers/checkpoint.hpp"
#include "trainers/optimizer.hpp"
#include "trainers/rank_state.hpp"

using namespace scimix;

namespace {

// A network of two parameters that keeps bf16 copies of them.
struct Network {
  ParameterStore store;
  Parameter weight, bias;

  explicit Network(std::uint64_t seed)
      : store(seed),
        weight(store.add("weight", {3, 5}, gaussian(1.0), /*decay=*/true)),
        bias(store.add("bias", {7}, gaussian(1.0), /*decay=*/false)) {
    store.place(kCpu);
    store.keep_copies(DType::bf16);
  }

  // What a forward pass in bf16 reads, and the parameters rounded one by one on the host.
  void check_copies() const {
    for (const Parameter& parameter : {weight, bias}) {
      const Tensor exact = parameter().value();
      const Tensor rounded = Tensor::from(exact.to_doubles(), exact.shape(), DType::bf16);
      CHECK(parameter.in(DType::bf16).value().to_doubles() == rounded.to_doubles());
    }
  }
};

struct Change {
  std::string what;
  std::function<void(Network& network, Network& average)> make;
};

void update(Network& network, Optimizer& optimizer) {
  Tensor gradients = network.store.gradient_slab().flat();
  gradients.copy_(
      Tensor::from(std::vector<double>(static_cast<std::size_t>(gradients.numel()), 0.125),
                   gradients.shape(), DType::f32));
  optimizer.update(Tensor::zeros({1}, DType::i32));
}

const std::vector<Change>& changes() {
  static const std::vector<Change> all = {
      {"one parameter is overwritten",
       [](Network& network, Network&) {
         const std::vector<double> values{1, 2, 3, 4, 5, 6, 0.7};
         network.store.parameters()[1].change(
             [&](Tensor& value) { value.copy_(Tensor::from(values, {7}, DType::f32)); });
       }},
      {"the parameters of another network are copied",
       [](Network& network, Network&) { network.store.copy_parameters_from(Network(9).store); }},
      {"a checkpoint is loaded",
       [](Network& network, Network&) {
         const test::TempFolder folder;
         save_checkpoint(folder / "other.safetensors", Network(9).store.parameters(), {});
         load_checkpoint(folder / "other.safetensors", network.store.parameters());
       }},
      {"the ranks take rank 0's parameters",
       [](Network& network, Network&) {
         Tensor step = Tensor::zeros({1}, DType::i32);
         static_cast<void>(share_tensors(network.store.parameters(), step, local_comm()));
       }},
      {"SGD makes an update, which moves the average too",
       [](Network& network, Network& average) {
         Sgd sgd(network.store, average.store,
                 {.schedule = {.base = 0.3, .total_steps = 10}, .ema_decay = 0.5F});
         update(network, sgd);
       }},
      {"Adam makes an update, which moves the average too",
       [](Network& network, Network& average) {
         Adam adam(network.store, &average.store, {.learning_rate = 0.3, .ema_decay = 0.5});
         update(network, adam);
       }},
  };
  return all;
}

}  // namespace

TEST_CASE("rounded copies are the rounded parameters after every kind of change") {
  for (const Change& change : changes()) {
    CAPTURE(change.what);
    Network network(1);
    Network average(2);
    network.check_copies();
    const std::byte* const address = network.weight.in(DType::bf16).value().raw();
    const std::vector<double> before = network.store.parameter_slab().flat().to_doubles();
    change.make(network, average);
    const bool moves = change.what != "the ranks take rank 0's parameters";
    CHECK((network.store.parameter_slab().flat().to_doubles() != before) == moves);
    network.check_copies();
    average.check_copies();
    // A forward pass reads the kept copy, at the address that recorded graphs hold.
    CHECK(network.weight.in(DType::bf16).value().raw() == address);
  }
}

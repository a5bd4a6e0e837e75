// Model checkpoints: layout in the file, and what a wrong file gets.
#include <doctest/doctest.h>

#include <cstring>

#include "core/error.hpp"
#include "core/safetensors.hpp"
#include "temp_folder.hpp"
#include "trainers/checkpoint.hpp"

using namespace scimix;

namespace {

ParameterStore::Named named(const std::string& name, const Shape& shape, double first = 0) {
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = first + static_cast<double>(i);
  return {name, Tensor::from(values, shape, DType::f32)};
}

std::string message_of(const std::filesystem::path& path, const CheckpointTensors& tensors) {
  try {
    load_checkpoint(path, tensors);
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::user);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("kernels stand in the file as PyTorch keeps them, and come back bit for bit") {
  const test::TempFolder folder;
  const auto path = folder / "a.safetensors";
  const CheckpointTensors saved{named("conv.weight", {2, 3, 1, 4}), named("fc.bias", {5}, 100)};
  save_checkpoint(path, saved, {{"step", "12"}});
  CHECK(read_checkpoint_metadata(path).at("step") == "12");

  const SafetensorsFile file(path);
  const TensorEntry& kernel = file.entry("conv.weight");
  CHECK(kernel.shape == std::vector<std::int64_t>{2, 4, 3, 1});
  // Element (k=1, c=2, r=1, s=0) of [K,C,R,S] is element (1,1,0,2) of [K,R,S,C]: 12 + 4 + 2.
  float value = 0;
  std::memcpy(&value, &kernel.bytes[static_cast<std::size_t>((1 * 4 + 2) * 3 + 1) * 4], 4);
  CHECK(value == 18.0F);

  const CheckpointTensors loaded{named("conv.weight", {2, 3, 1, 4}, -7), named("fc.bias", {5}, -7)};
  load_checkpoint(path, loaded);
  for (std::size_t i = 0; i < saved.size(); ++i) {
    CHECK(loaded[i].value().to_doubles() == saved[i].value().to_doubles());
  }
}

TEST_CASE("a checkpoint of another model names the first difference and changes nothing") {
  const test::TempFolder folder;
  const auto path = folder / "a.safetensors";
  save_checkpoint(path, {named("a", {2, 3}), named("b", {4})}, {});
  const auto untouched = [&](const CheckpointTensors& tensors, const std::string& expected) {
    const auto before = tensors[0].value().to_doubles();
    CHECK(message_of(path, tensors) == path.string() + expected);
    CHECK(tensors[0].value().to_doubles() == before);
  };
  untouched({named("a", {2, 3}, 50), named("b", {5})}, ": b has shape [4], expected [5]");
  untouched({named("a", {2, 3}, 50), named("c", {4})}, ": no tensor c, expected one of shape [4]");
  untouched({named("a", {2, 3}, 50)}, ": tensor b of shape [4] does not belong to this model");
  const Tensor wide = Tensor::zeros({4}, DType::f64);
  untouched({named("a", {2, 3}, 50), {"b", wide}}, ": b is F32, expected F64");
}

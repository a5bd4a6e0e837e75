// Model checkpoints: layout in the file, and what a wrong file gets.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "core/error.hpp"
#include "core/safetensors.hpp"
#include "temp_folder.hpp"
#include "trainers/checkpoint.hpp"
#include "user_errors.hpp"

using namespace scimix;

namespace {

ParameterStore::Named named(const std::string& name, const Shape& shape, double first = 0) {
  std::vector<double> values(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = first + static_cast<double>(i);
  return {name, Tensor::from(values, shape, DType::f32)};
}

std::string message_of(const std::filesystem::path& path, const CheckpointTensors& tensors) {
  return test::user_error_or_none([&] { load_checkpoint(path, tensors); });
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

// The weights of D in PyTorch: x.flatten(1) of [N,C,H,W], then Linear.
TEST_CASE("columns of a layer behind a flattened image stand in the file in PyTorch's order") {
  const test::TempFolder folder;
  const std::int64_t channels = 3;
  const std::int64_t pixels = 2 * 2;
  const CheckpointTensors saved{
      named("model.d.epilogue.fc.weight", {channels, pixels * channels}),
      named("adam1.d.epilogue.fc.weight", {channels, pixels * channels}, 50),
      named("model.e_c.fc.weight", {channels, pixels * channels})};
  const auto path = folder / "a.safetensors";
  save_checkpoint(path, saved, {{"format", "scimix-generator-2"}});
  const SafetensorsFile file(path);
  const auto value = [&](const std::string& name, std::int64_t index) {
    float found = 0;
    std::memcpy(&found, &file.entry(name).bytes[static_cast<std::size_t>(index) * sizeof(float)],
                sizeof(float));
    return static_cast<std::int64_t>(found);
  };
  for (std::int64_t row = 0; row < channels; ++row) {
    for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
      for (std::int64_t c = 0; c < channels; ++c) {
        const std::int64_t in_memory = row * pixels * channels + pixel * channels + c;
        const std::int64_t in_file = row * pixels * channels + c * pixels + pixel;
        CHECK(value("model.d.epilogue.fc.weight", in_file) == in_memory);
        CHECK(value("adam1.d.epilogue.fc.weight", in_file) == 50 + in_memory);
        CHECK(value("model.e_c.fc.weight", in_memory) == in_memory);
      }
    }
  }
  const auto loaded = [&](const std::filesystem::path& from) {
    CheckpointTensors empty;
    for (const auto& tensor : saved) {
      empty.push_back({tensor.name, Tensor::zeros(tensor.value().shape(), DType::f32, kCpu)});
    }
    load_checkpoint(from, empty);
    return empty;
  };
  const CheckpointTensors again = loaded(path);
  for (std::size_t i = 0; i < saved.size(); ++i) {
    CHECK(again[i].value().to_doubles() == saved[i].value().to_doubles());
  }
  // The first version of the format had them as they are in memory.
  const auto first = folder / "first.safetensors";
  write_safetensors(first, file.entries(), {{"format", "scimix-generator-1"}});
  const CheckpointTensors old = loaded(first);
  CHECK(old[0].value().to_doubles()[1] == channels);  // of the file: [C,h,w]
  CHECK(old[2].value().to_doubles() == saved[2].value().to_doubles());
}

TEST_CASE("formats that can be read, and what is said of others") {
  CHECK_NOTHROW(
      check_format("a", {{"format", "scimix-generator-2"}}, "scimix-generator-2", "generator"));
  CHECK_NOTHROW(
      check_format("a", {{"format", "scimix-generator-1"}}, "scimix-generator-2", "generator"));
  CHECK_THROWS_WITH_AS(
      check_format("a", {{"format", "scimix-generator-1"}}, "scimix-classifier-2", "classifier"),
      doctest::Contains("expected \"scimix-classifier-2\""), Error);
  CHECK_THROWS_WITH_AS(check_format("a", {}, "scimix-generator-2", "generator"),
                       doctest::Contains("scimix_eval restore"), Error);
}

TEST_CASE("the first tensor that is not finite is named") {
  const ParameterStore::Named good = named("good", {2, 3});
  CHECK(first_not_finite({good, named("fine", {1})}).empty());
  for (const double bad : {HUGE_VAL, -HUGE_VAL, std::nan("")}) {
    const ParameterStore::Named broken{
        "broken", Tensor::from(std::vector<double>{1, bad, 2}, {3}, DType::f32)};
    CHECK(first_not_finite({good, broken}) == "broken");
  }
}

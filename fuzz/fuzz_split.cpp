#include "data/split.hpp"
#include "fuzz/fuzz.hpp"

namespace {

scimix::Dataset ten_images() {
  scimix::Dataset dataset;
  dataset.name = "folder";
  dataset.class_names = {"a", "b"};
  dataset.train = {.count = 10, .height = 1, .width = 1, .pixels = {}, .labels = {}};
  dataset.train.pixels.assign(30, 7);
  for (int i = 0; i < 10; ++i) dataset.train.labels.push_back(i % 2);
  return dataset;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace scimix;
  static fuzz::MemoryFile input;
  static const Dataset dataset = ten_images();
  fuzz::run([&] {
    const Split split = load_split(input.put({data, size}), dataset);
    fuzz::require(!split.labeled.empty() && split.labeled.size() <= 10,
                  "a split of no such images");
    (void)unlabeled_indices(split, dataset, /*include_labeled=*/false);
  });
  return 0;
}

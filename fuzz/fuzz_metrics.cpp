#include "fuzz/fuzz.hpp"
#include "report/run_history.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace scimix;
  static fuzz::MemoryFile input;
  fuzz::run([&] {
    const RunHistory history = RunHistory::read(input.put({data, size}));
    (void)median_accuracy(history);
    for (const Series& series : history.series()) {
      fuzz::require(!series.points.empty(), "a series without points");
      fuzz::require(history.find(series.name) == &series, "a series is not found by its name");
    }
  });
  return 0;
}

#include "kernels/conv/conv_counters.hpp"

#include <array>
#include <atomic>
#include <utility>

#include "kernels/conv/conv.hpp"

namespace scimix {

namespace {

struct Counter {
  std::atomic<std::int64_t> calls = 0;
  std::atomic<std::int64_t> rows = 0;

  [[nodiscard]] ConvCount read() const { return {calls, rows}; }
};

// Counts and nothing else: no result depends on it.
std::array<Counter, 3>& counters() {
  static std::array<Counter, 3> by_kind;
  return by_kind;
}

Counter& counter(ConvKind kind) {
  return counters()[static_cast<std::size_t>(kind)];
}

ConvListener& current_listener() {
  static ConvListener one;
  return one;
}

}  // namespace

ConvCounts conv_counts() {
  return {counter(ConvKind::fprop).read(), counter(ConvKind::dgrad).read(),
          counter(ConvKind::wgrad).read()};
}

void reset_conv_counts() {
  for (Counter& c : counters()) {
    c.calls = 0;
    c.rows = 0;
  }
}

void listen_to_convs(ConvListener listener) {
  current_listener() = std::move(listener);
}

void count_conv(ConvKind kind, const Conv2dGeometry& geometry) {
  count_conv(kind, geometry.n);
  if (current_listener()) current_listener()(kind, geometry);
}

void count_conv(ConvKind kind, std::int64_t rows) {
  counter(kind).calls.fetch_add(1, std::memory_order_relaxed);
  counter(kind).rows.fetch_add(rows, std::memory_order_relaxed);
}

}  // namespace scimix

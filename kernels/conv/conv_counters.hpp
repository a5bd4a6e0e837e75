// Counts the convolutions that were executed, so that a test can show which work a frozen path
// saves.
#pragma once

#include <cstdint>
#include <functional>

namespace scimix {

struct Conv2dGeometry;

enum class ConvKind : std::uint8_t { fprop, dgrad, wgrad };

struct ConvCount {
  std::int64_t calls = 0;
  std::int64_t rows = 0;  // images, over all calls
};

struct ConvCounts {
  ConvCount fprop;
  ConvCount dgrad;
  ConvCount wgrad;
};

// What was executed since the last reset, on any device and thread.
[[nodiscard]] ConvCounts conv_counts();
void reset_conv_counts();

// Called by the bindings.
void count_conv(ConvKind kind, const Conv2dGeometry& geometry);
// Counts a convolution that a kernel of its own computes.
void count_conv(ConvKind kind, std::int64_t rows);

// Calls `listener` for each convolution that a binding executes from now on. An empty function ends
// this. Not for several threads at once.
using ConvListener = std::function<void(ConvKind kind, const Conv2dGeometry& geometry)>;
void listen_to_convs(ConvListener listener);

}  // namespace scimix

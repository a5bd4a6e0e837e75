#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "execution_policy.h"

namespace thrust {

// The radix sort needs room for a copy of keys and values, which it takes from the policy's
// allocator.
template <class Policy, class Key, class Value>
void stable_sort_by_key(const Policy& policy, Key* first, Key* last, Value* values) {
  const auto count = static_cast<std::size_t>(last - first);
  const std::size_t bytes = count * (sizeof(Key) + sizeof(Value));
  auto* const room = policy.allocator->allocate(static_cast<std::ptrdiff_t>(bytes));
  scimix::emulated::on_stream(policy.stream, "thrust::stable_sort_by_key", [=] {
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [=](std::size_t a, std::size_t b) { return first[a] < first[b]; });
    auto* const keys = reinterpret_cast<Key*>(room);
    auto* const sorted = reinterpret_cast<Value*>(room + count * sizeof(Key));
    for (std::size_t i = 0; i < count; ++i) {
      keys[i] = first[order[i]];
      sorted[i] = values[order[i]];
    }
    std::copy_n(keys, count, first);
    std::copy_n(sorted, count, values);
  });
  policy.allocator->deallocate(room, bytes);
}

}  // namespace thrust

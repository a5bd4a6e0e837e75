#pragma once

#include <numeric>

#include "execution_policy.h"

namespace thrust {

template <class Policy, class Iterator>
void sequence(const Policy& policy, Iterator first, Iterator last) {
  scimix::emulated::on_stream(policy.stream, "thrust::sequence",
                              [=] { std::iota(first, last, 0); });
}

}  // namespace thrust

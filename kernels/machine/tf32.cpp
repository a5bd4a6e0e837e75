#include "kernels/machine/tf32.hpp"

#include <utility>

namespace scimix {

namespace {
thread_local bool allowed = false;
}  // namespace

AllowTf32::AllowTf32() : outer_(std::exchange(allowed, true)) {}
AllowTf32::~AllowTf32() {
  allowed = outer_;
}
bool tf32_allowed() {
  return allowed;
}

}  // namespace scimix

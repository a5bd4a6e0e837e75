// Lists the sets of cases that scimix_bench times.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/step.hpp"
#include "cases/op_case.hpp"

namespace scimix {

// Returns the suite "default", "cpu", "cpu-tiny", "gpu" or "gpu-tiny". Errors (user): another name.
[[nodiscard]] Suite parse_suite(const std::string& name);
[[nodiscard]] std::string name_of(Suite suite);

// Return the operators and the training steps of a suite. The suites cpu and cpu-tiny have only
// steps.
[[nodiscard]] std::vector<OpCase> operators_of(Suite suite);
[[nodiscard]] std::vector<BenchStep> steps_of(Suite suite);

// Returns the operators with the shapes of a training step on a GPU: of a WRN-28-2 with `batch`
// images of 32x32 pixels, of the generator with 2 gan_batch images (reconstructions and hybrids),
// and of the discriminator with 3 gan_batch images (also real images).
[[nodiscard]] std::vector<OpCase> gpu_operators(std::int64_t batch, std::int64_t gan_batch);

}  // namespace scimix

// The sets of cases that scimix_bench times.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/step.hpp"
#include "cases/op_case.hpp"

namespace scimix {

// "default", "gpu" or "gpu-tiny". Errors (user): another name.
[[nodiscard]] Suite parse_suite(const std::string& name);
[[nodiscard]] std::string name_of(Suite suite);

[[nodiscard]] std::vector<OpCase> operators_of(Suite suite);
[[nodiscard]] std::vector<BenchStep> steps_of(Suite suite);

// The operators of the two networks as a training step on a GPU calls them: those of a WRN-28-2 at
// `batch` images of 32x32, those of the generator and the discriminator at 2 and 3 times
// `gan_batch` (images rebuilt and hybrids; real ones too).
[[nodiscard]] std::vector<OpCase> gpu_operators(std::int64_t batch, std::int64_t gan_batch);

}  // namespace scimix

// The ranks' operations on GPUs, by NCCL. Defined in comm_nccl.cpp, which a build without CUDA
// leaves out.
#pragma once

#include <memory>

#include "core/comm_mpi.hpp"

namespace scimix::nccl {

// On the device that this process has selected. `session` carries the id and what the host says,
// and outlives the result.
[[nodiscard]] std::unique_ptr<Comm> connect(mpi::Session& session);

}  // namespace scimix::nccl

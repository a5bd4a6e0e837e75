// Communication between ranks on GPUs by NCCL. comm_nccl.cpp, which defines it, is not compiled in
// a build without CUDA.
#pragma once

#include <memory>

#include "core/comm_mpi.hpp"

namespace scimix::nccl {

// Returns the collective operations on the device that this process has selected. They exchange
// NCCL's id and host values through `session`, which must outlive the result.
[[nodiscard]] std::unique_ptr<Comm> connect(mpi::Session& session);

}  // namespace scimix::nccl

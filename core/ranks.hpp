// The ranks of a run: the processes that mpirun or srun started together. Host values and CPU
// tensors are exchanged by MPI, GPU tensors by NCCL.
#pragma once

#include <memory>
#include <string>

#include "core/comm.hpp"
#include "core/device.hpp"

namespace scimix {

class Ranks {
 public:
  // Initialises MPI if a launcher started this process. Otherwise the run has one rank.
  // Errors (user): a launcher started several processes, but the program was built without MPI, or
  // the processes can't find each other.
  Ranks();
  // Waits for all ranks, then finalises MPI.
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  [[nodiscard]] int rank() const;
  [[nodiscard]] int size() const;
  // Return this rank's number among the ranks on this machine, and their number.
  [[nodiscard]] int local_rank() const;
  [[nodiscard]] int local_size() const;

  // Converts "auto", "cpu", "cuda" or "cuda:N" to a device, as parse_device does. With several
  // ranks, "auto" and "cuda" mean the GPU whose index is local_rank(). Errors (user): those of
  // parse_device, more ranks than GPUs on this machine, "cuda:N" for several ranks on a machine.
  [[nodiscard]] Device device(const std::string& name) const;

  // Returns the collective operations on tensors of this device. An operation that takes longer
  // than the time-out ends the run.
  [[nodiscard]] Comm& comm(Device device, double timeout_seconds);

  // Returns rank 0's value on every rank, so that all ranks take the same branch. Ranks that look
  // at a file at different moments may see different contents.
  [[nodiscard]] bool agree(bool mine);

  // Ends all ranks at once. The launcher exits with `exit_code`.
  [[noreturn]] void abort(int exit_code);

 private:
  class World;
  std::unique_ptr<World> world_;  // null if this is the only rank
};

}  // namespace scimix

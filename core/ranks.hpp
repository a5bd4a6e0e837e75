// The processes that mpirun or srun started together. MPI starts them and carries what the host has
// to say; tensors of a GPU go by NCCL, those of a CPU by MPI.
#pragma once

#include <memory>
#include <string>

#include "core/comm.hpp"
#include "core/device.hpp"

namespace scimix {

class Ranks {
 public:
  // Joins the others. A program that no launcher started is alone, and MPI is left untouched.
  // Errors (user): one of several processes, but built without MPI, or each believes to be alone.
  Ranks();
  // Leaves, together with the others.
  ~Ranks();
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  [[nodiscard]] int rank() const;
  [[nodiscard]] int size() const;
  // Place among the ranks on this machine, and how many there are.
  [[nodiscard]] int local_rank() const;
  [[nodiscard]] int local_size() const;

  // "auto", "cpu", "cuda", "cuda:N". With several ranks, auto and cuda are the GPU of this rank's
  // place on its machine. Errors (user): as parse_device; more ranks on this machine than GPUs.
  [[nodiscard]] Device device(const std::string& name) const;

  // The operations of all ranks on tensors of this device. An operation that takes longer than the
  // time-out ends the run.
  [[nodiscard]] Comm& comm(Device device, double timeout_seconds);

  // What rank 0 says: ranks that look at a file at different moments may see different things.
  [[nodiscard]] bool agree(bool mine);

  // Ends all ranks at once. The launcher gives `exit_code` on.
  [[noreturn]] void abort(int exit_code);

 private:
  class World;
  std::unique_ptr<World> world_;  // null: alone
};

}  // namespace scimix

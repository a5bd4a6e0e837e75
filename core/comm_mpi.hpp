// Communication between ranks by MPI. This header includes no MPI header. comm_mpi.cpp, which
// defines it, is not compiled in a build without MPI.
#pragma once

#include <functional>
#include <memory>

#include "core/comm.hpp"

namespace scimix::mpi {

// The numbers of this process among the ranks.
struct Place {
  int rank = 0;        // number of this process among all ranks
  int size = 1;        // number of ranks
  int local_rank = 0;  // number of this process among the ranks on its machine
  int local_size = 1;  // number of ranks on this machine
};

// The lifetime of MPI in this process, from MPI_Init to MPI_Finalize. A single worker thread makes
// all MPI calls that communicate.
class Session {
 public:
  Session();
  // Waits for all ranks, then calls MPI_Finalize. A rank that fails must call abort instead, or all
  // other ranks would wait for it here.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] const Place& place() const;
  // Sets the time-out of all operations and of wait_for.
  void set_timeout(double seconds);
  // Returns the operations on CPU tensors and host values.
  [[nodiscard]] Comm& comm();

  // Waits until `done` returns true. After the time-out, ends the run with a message that names
  // `what` and the missing ranks.
  void wait_for(const std::function<bool()>& done, const char* what);
  // Copies rank 0's bytes to all ranks.
  void broadcast_bytes(void* data, std::size_t bytes);
  // Ends all ranks at once. The launcher exits with `exit_code`.
  [[noreturn]] void abort(int exit_code);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace scimix::mpi

// MPI's side of the ranks, without an MPI header. Defined in comm_mpi.cpp, which a build without
// MPI leaves out.
#pragma once

#include <functional>
#include <memory>

#include "core/comm.hpp"

namespace scimix::mpi {

struct Place {
  int rank = 0;
  int size = 1;
  int local_rank = 0;
  int local_size = 1;
};

// MPI, from MPI_Init to MPI_Finalize. One thread of its own talks to the others, for all.
class Session {
 public:
  Session();
  // Leaves together with the others. (A rank that fails must not come here: see abort.)
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] const Place& place() const;
  void set_timeout(double seconds);
  // On tensors of the CPU, and numbers of the host.
  [[nodiscard]] Comm& comm();

  // Waits until `done` says so, or ends the run with the names of the ranks that are missing.
  void wait_for(const std::function<bool()>& done, const char* what);
  // Bytes of rank 0, on all ranks.
  void broadcast_bytes(void* data, std::size_t bytes);
  [[noreturn]] void abort(int exit_code);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace scimix::mpi

// Ranks: the processes of one run, each with a device of its own and an equal share of every batch.
//
// A rank calls the same operations in the same order as all others, with tensors of the same
// shapes. What an operation leaves in a tensor has the same bits on all ranks. On a GPU operations
// are ordered with the device's stream and return at once; on a CPU all but start_all_reduce return
// when they are done.
//
// Nothing waits for ever: an operation that is not complete within the time-out ends the whole run
// with a message that names the ranks which are missing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.hpp"

namespace scimix {

// What gradients cost on their way, for the benchmark and the log. Seconds are of the host's clock.
struct CommStats {
  std::int64_t all_reduces = 0;
  std::int64_t bytes = 0;     // of the tensors reduced by start_all_reduce
  double busy_seconds = 0;    // such a reduction was under way
  double waited_seconds = 0;  // finish_all_reduces had to wait
};

class Comm {
 public:
  Comm(int rank, int size) : rank_(rank), size_(size) {}
  virtual ~Comm() = default;
  Comm(const Comm&) = delete;
  Comm& operator=(const Comm&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  // Rank 0 writes files and speaks.
  [[nodiscard]] bool is_first() const { return rank_ == 0; }
  [[nodiscard]] bool is_alone() const { return size_ == 1; }

  // Of `rows` rows that all ranks hold together, rank r holds r*rows/R .. (r+1)*rows/R - 1.
  [[nodiscard]] std::int64_t first_row(std::int64_t rows) const { return rows * rank_ / size_; }
  [[nodiscard]] std::int64_t row_count(std::int64_t rows) const {
    return rows * (rank_ + 1) / size_ - first_row(rows);
  }

  // In place, the sum over all ranks: f32, f64, i32.
  virtual void all_reduce(const Tensor& tensor) = 0;
  // all [R*N,...] = the tensors [N,...] of ranks 0, 1, ... below each other; any dtype.
  virtual void all_gather(const Tensor& mine, const Tensor& all) = 0;
  // mine [N,...] = this rank's rows of the sum over all ranks of all [R*N,...]: f32, f64.
  virtual void reduce_scatter(const Tensor& all, const Tensor& mine) = 0;
  // In place, what rank 0 holds; any dtype.
  virtual void broadcast(const Tensor& tensor) = 0;

  // all_reduce beside the work that follows, one after the other. The tensors are not to be touched
  // until finish_all_reduces, after which work on the device sees the sums.
  virtual void start_all_reduce(const Tensor& tensor) = 0;
  virtual void finish_all_reduces() = 0;

  // Numbers of the host, by rank: R times as many. Waits for all ranks.
  [[nodiscard]] virtual std::vector<double> all_gather(std::span<const double> mine) = 0;
  // Waits, within the time-out, until all that was queued on the device is done.
  virtual void wait_for_device() = 0;
  void barrier() { static_cast<void>(all_gather(std::span<const double>{})); }

  // Operations on tensors can be part of a graph (core/graph.hpp).
  [[nodiscard]] virtual bool can_be_captured() const { return false; }

  [[nodiscard]] virtual CommStats stats() const { return {}; }

 private:
  int rank_;
  int size_;
};

// One rank alone: nothing to do.
[[nodiscard]] Comm& local_comm();

}  // namespace scimix

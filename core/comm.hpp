// Collective operations of the ranks of a run. A rank is one process: it has its own device and
// computes an equal number of the images of every batch.
//
// All ranks must call the same operations in the same order, with tensors of the same shapes. The
// result of an operation has the same bits on all ranks. On a GPU, an operation is queued on the
// device's stream and returns at once. On a CPU, every operation except start_all_reduce returns
// when it is complete.
//
// No operation waits forever. If an operation is not complete within the time-out, the whole run
// ends with a message that names the missing ranks.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.hpp"

namespace scimix {

// The cost of exchanging gradients by start_all_reduce, for the benchmark and the log. Seconds are
// measured with the host's clock.
struct CommStats {
  std::int64_t all_reduces = 0;  // number of calls of start_all_reduce
  std::int64_t bytes = 0;        // total size of the tensors given to them
  double busy_seconds = 0;       // time during which such a reduction was running
  double waited_seconds = 0;     // time that finish_all_reduces spent waiting
};

class Comm {
 public:
  Comm(int rank, int size) : rank_(rank), size_(size) {}
  virtual ~Comm() = default;
  Comm(const Comm&) = delete;
  Comm& operator=(const Comm&) = delete;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  // True on rank 0, the only rank that writes files and log lines.
  [[nodiscard]] bool is_first() const { return rank_ == 0; }
  // True if the run has only one rank.
  [[nodiscard]] bool is_alone() const { return size_ == 1; }

  // The slice of `rows` global rows that belongs to this rank. With R ranks, rank r owns the rows
  // r*rows/R .. (r+1)*rows/R - 1.
  [[nodiscard]] std::int64_t first_row(std::int64_t rows) const { return rows * rank_ / size_; }
  [[nodiscard]] std::int64_t row_count(std::int64_t rows) const {
    return rows * (rank_ + 1) / size_ - first_row(rows);
  }

  // Replaces `tensor` (f32, f64 or i32) by the sum of the ranks' tensors.
  virtual void all_reduce(const Tensor& tensor) = 0;
  // Concatenates the tensors `mine` [N,...] of all R ranks, in rank order, into `all` [R*N,...].
  // Any dtype.
  virtual void all_gather(const Tensor& mine, const Tensor& all) = 0;
  // Sums the tensors `all` [R*N,...] of all ranks and writes this rank's N rows of the sum to
  // `mine` [N,...]. f32 or f64.
  virtual void reduce_scatter(const Tensor& all, const Tensor& mine) = 0;
  // Replaces `tensor` by rank 0's tensor. Any dtype.
  virtual void broadcast(const Tensor& tensor) = 0;

  // Starts an all_reduce that runs concurrently with the work queued after it. Several such
  // reductions run one after another. Do not read or write the tensors before finish_all_reduces.
  // Work that is queued after finish_all_reduces sees the sums.
  virtual void start_all_reduce(const Tensor& tensor) = 0;
  // Waits for all started reductions: on a GPU the stream waits, on a CPU this call.
  virtual void finish_all_reduces() = 0;

  // Gathers host values from all R ranks, in rank order: returns R times as many values as `mine`
  // has. Waits for all ranks.
  [[nodiscard]] virtual std::vector<double> all_gather(std::span<const double> mine) = 0;
  // Waits until all work queued on the device is complete. Ends the run if that takes longer than
  // the time-out.
  virtual void wait_for_device() = 0;
  // Waits until all ranks have called barrier.
  void barrier() { static_cast<void>(all_gather(std::span<const double>{})); }

  // True if operations on tensors can be recorded in a graph (core/graph.hpp).
  [[nodiscard]] virtual bool can_be_captured() const { return false; }

  // Returns the cost of start_all_reduce so far.
  [[nodiscard]] virtual CommStats stats() const { return {}; }

 private:
  int rank_;
  int size_;
};

// Returns the Comm of a run with one rank, whose operations at most copy.
[[nodiscard]] Comm& local_comm();

}  // namespace scimix

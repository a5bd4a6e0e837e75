// The order in which training images are visited.
#pragma once

#include <cstdint>
#include <vector>

namespace scimix {

// Shuffles a set anew in every epoch and deals it out in batches, without replacement. Batches
// follow one another without a gap: one that reaches the end of an epoch goes on with the next, so
// that every image is seen equally often, also where the set is smaller than a batch.
//
// The order depends on (seed, stream, epoch) alone. A run resumes from its step number, and any
// number of ranks sees the same global batches.
class Sampler {
 public:
  // Draws from `members`, e.g. the indices of the labelled images. `stream` keeps apart the
  // samplers of one run. Errors (user): no members.
  Sampler(std::vector<std::int32_t> members, std::uint64_t seed, std::uint32_t stream);
  // Draws from 0 .. count-1.
  Sampler(std::int64_t count, std::uint64_t seed, std::uint32_t stream);

  // Returns the members in the batch of `step` (from 0) of all ranks, [batch]. The steps may come
  // in any order; ascending ones are the fastest, because the last epoch's order is kept.
  [[nodiscard]] std::vector<std::int32_t> indices(std::int64_t step, std::int64_t batch);

  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(members_.size()); }
  // Returns the number of passes over the set before `step`.
  [[nodiscard]] double epochs(std::int64_t step, std::int64_t batch) const;

 private:
  void load_epoch(std::int64_t epoch);

  std::vector<std::int32_t> members_;
  std::uint64_t seed_;
  std::uint32_t stream_;
  std::int64_t epoch_ = -1;          // the epoch whose order `order_` holds
  std::vector<std::int32_t> order_;  // positions in members_
};

}  // namespace scimix

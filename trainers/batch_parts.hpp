// The named parts of a training step's batch, such as labelled images or hybrids.
//
// BatchLayout knows which rows of each part this rank computes. NamedParts joins parts for one pass
// through a network and splits the result again. No other code computes row numbers.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "autograd/variable.hpp"
#include "core/comm.hpp"

namespace scimix {

enum class Part : std::uint8_t {
  labeled,      // images with a label, weakly augmented
  weak,         // images without a label, weakly augmented
  strong,       // the same images as `weak`, strongly augmented
  second_view,  // the same images as `weak`, weakly augmented with other random numbers
  real,         // real images, which the critic must distinguish from the two parts below
  rebuilt,      // reconstructions, made by the generator
  hybrid,       // hybrids, made by the generator
};

// The rows of one part of a batch that this rank computes.
class RankRows {
 public:
  RankRows() = default;
  // Divides `all` rows among the ranks. If the number of ranks does not divide `all`, the ranks'
  // counts differ by at most one.
  RankRows(const Comm& ranks, std::int64_t all)
      : all_(all), first_(ranks.first_row(all)), count_(ranks.row_count(all)) {}

  [[nodiscard]] std::int64_t all() const { return all_; }      // number of rows on all ranks
  [[nodiscard]] std::int64_t first() const { return first_; }  // index of this rank's first row
  [[nodiscard]] std::int64_t count() const { return count_; }  // number of rows on this rank

  // Returns the values of this rank's rows. `values` has one value for each row of all ranks.
  template <class T>
  [[nodiscard]] std::vector<T> of(const std::vector<T>& values) const {
    return {values.begin() + first_, values.begin() + first_ + count_};
  }

 private:
  std::int64_t all_ = 0;
  std::int64_t first_ = 0;
  std::int64_t count_ = 0;
};

// The parts of a batch and the positions of their rows. Each rank's batch is a concatenation of the
// parts. The batch of all ranks is numbered part by part too: the first part's rows of rank 0, of
// rank 1, and so on, then the second part's rows. These row numbers address random numbers, which
// therefore do not depend on the number of ranks.
class BatchLayout {
 public:
  explicit BatchLayout(const Comm& ranks) : ranks_(&ranks) {}

  // Adds a part with `rows` rows on all ranks together, a multiple of the number of ranks.
  void add(Part part, std::int64_t rows);
  // Adds a part with `rows` rows on each rank.
  void add_per_rank(Part part, std::int64_t rows) { add(part, rows * ranks_->size()); }

  // Returns the number of rows of all parts on this rank, or on all ranks.
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] std::int64_t all_rows() const { return all_rows_; }
  [[nodiscard]] const RankRows& rows(Part part) const { return find(part).rows; }

  // Returns this rank's rows of the part from a tensor [rows(),...] that holds all parts.
  [[nodiscard]] Tensor of(const Tensor& batch, Part part) const;
  // Returns the number of this rank's first row of the part in the batch of all ranks.
  [[nodiscard]] std::int64_t number(Part part) const;
  // Returns the numbers of this rank's first `count` rows in the batch of all ranks.
  [[nodiscard]] std::vector<std::int64_t> numbers(std::int64_t count) const;
  // Converts a number in the batch of all ranks to a row of the tensor that gather_ranks returns,
  // in which the ranks' batches follow one another.
  [[nodiscard]] std::int64_t gathered_row(std::int64_t number) const;

 private:
  struct Entry {
    Part part;
    RankRows rows;
    std::int64_t begin = 0;      // first row on this rank
    std::int64_t all_begin = 0;  // first number in the batch of all ranks
  };
  [[nodiscard]] const Entry& find(Part part) const;

  const Comm* ranks_;
  std::vector<Entry> entries_;
  std::int64_t rows_ = 0;
  std::int64_t all_rows_ = 0;
};

// Tensors [N,...] of several parts that pass through a network together.
class NamedParts {
 public:
  using Named = std::pair<Part, Variable>;
  NamedParts() = default;
  NamedParts(std::initializer_list<Named> parts) : parts_(parts) {}

  void add(Part part, const Variable& value) { parts_.emplace_back(part, value); }

  [[nodiscard]] bool has(Part part) const;
  // Returns the tensor of a part. Throws Error{bug} if there is no such part.
  [[nodiscard]] const Variable& operator[](Part part) const;
  [[nodiscard]] std::span<const Named> parts() const { return parts_; }

  // Concatenates the parts. Parts that are adjacent in memory are not copied.
  [[nodiscard]] Variable joined() const;
  // Returns the number of rows of each part, for use as segments of batch norm.
  [[nodiscard]] std::vector<std::int64_t> sizes() const;
  // Returns the rows of the part from a network's result for joined(). If there is only one part,
  // returns `result` itself.
  [[nodiscard]] Variable of(const Variable& result, Part part) const;
  // Return the parts from the first to `last`, and their rows of a network's result for joined().
  [[nodiscard]] NamedParts through(Part last) const;
  [[nodiscard]] Variable through(const Variable& result, Part last) const;

 private:
  // Returns the rows [begin, end) of a part in joined().
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> range(Part part) const;

  std::vector<Named> parts_;
};

}  // namespace scimix

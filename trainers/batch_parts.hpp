// The batch of a training step by the names of its parts, on one rank and on all.
//
// No other code counts rows: BatchLayout says which rows of a part this rank holds, and NamedParts
// joins parts for one pass through a network and takes the result apart again.
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
  real,         // images that the critic compares with those below
  rebuilt,      // reconstructions by the generator
  hybrid,       // hybrids by the generator
};

// The rows of one part of a batch that one rank holds.
class RankRows {
 public:
  RankRows() = default;
  // Shares `all` rows out equally. The number of ranks must divide `all` where every rank has to
  // have the same number of rows; otherwise counts differ by one.
  RankRows(const Comm& ranks, std::int64_t all)
      : all_(all), first_(ranks.first_row(all)), count_(ranks.row_count(all)) {}

  [[nodiscard]] std::int64_t all() const { return all_; }      // rows of all ranks
  [[nodiscard]] std::int64_t first() const { return first_; }  // number of this rank's first row
  [[nodiscard]] std::int64_t count() const { return count_; }  // rows of this rank

  // Returns this rank's share of one value per row.
  template <class T>
  [[nodiscard]] std::vector<T> of(const std::vector<T>& values) const {
    return {values.begin() + first_, values.begin() + first_ + count_};
  }

 private:
  std::int64_t all_ = 0;
  std::int64_t first_ = 0;
  std::int64_t count_ = 0;
};

// The parts of a batch and where their rows are. On a rank, the rows of the parts follow one
// another. In the batch of all ranks, the rows of the first part on ranks 0, 1, ... come first,
// then those of the second part, and so on: this numbering addresses random numbers, so that they
// do not depend on the number of ranks.
class BatchLayout {
 public:
  explicit BatchLayout(const Comm& ranks) : ranks_(&ranks) {}

  // Adds a part with `rows` rows on all ranks together, of which each rank has the same number.
  void add(Part part, std::int64_t rows);
  // Adds a part with `rows` rows on each rank.
  void add_per_rank(Part part, std::int64_t rows) { add(part, rows * ranks_->size()); }

  // Returns the number of rows of all parts on this rank, or on all ranks.
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] std::int64_t all_rows() const { return all_rows_; }
  [[nodiscard]] const RankRows& rows(Part part) const { return find(part).rows; }

  // Returns this rank's rows of the part from a tensor [rows(),...] that holds all parts.
  [[nodiscard]] Tensor of(const Tensor& batch, Part part) const;
  // Returns the number that this rank's first row of the part has in the batch of all ranks.
  [[nodiscard]] std::int64_t number(Part part) const;
  // Returns the numbers of this rank's first `count` rows.
  [[nodiscard]] std::vector<std::int64_t> numbers(std::int64_t count) const;
  // Returns the row of image `number` in a tensor that gather_ranks made of all ranks' batches.
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

// Tensors [N,...] of several parts that pass a network together, one after another.
class NamedParts {
 public:
  using Named = std::pair<Part, Variable>;
  NamedParts() = default;
  NamedParts(std::initializer_list<Named> parts) : parts_(parts) {}

  void add(Part part, const Variable& value) { parts_.emplace_back(part, value); }

  [[nodiscard]] bool has(Part part) const;
  [[nodiscard]] const Variable& operator[](Part part) const;
  [[nodiscard]] std::span<const Named> parts() const { return parts_; }

  // Returns the rows of all parts in one tensor. Views that are neighbours in memory are not
  // copied.
  [[nodiscard]] Variable joined() const;
  // Returns the number of rows of each part: the segments of batch norm.
  [[nodiscard]] std::vector<std::int64_t> sizes() const;
  // Returns the rows of the part from a network's result for joined(). The result of a sole part is
  // returned as it is.
  [[nodiscard]] Variable of(const Variable& result, Part part) const;
  // Returns the parts from the first to `last`, and their rows of a result for joined().
  [[nodiscard]] NamedParts through(Part last) const;
  [[nodiscard]] Variable through(const Variable& result, Part last) const;

 private:
  // The rows [begin, end) of a part.
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> range(Part part) const;

  std::vector<Named> parts_;
};

}  // namespace scimix

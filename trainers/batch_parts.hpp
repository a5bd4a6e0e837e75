// The named parts of a training step's batch, such as labelled images or hybrids.
//
// BatchLayout knows which rows of each part this rank computes. NamedParts joins parts for one pass
// through a network and splits the result again. No other code computes row numbers.
#pragma once

#include <array>
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

// Consecutive rows.
struct RowBlock {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

// The rows of one part of a batch that this rank computes: one block, or two if the part's first
// rows are divided among the ranks on their own. The generator mixes these first rows, and so mixes
// the same images with any number of ranks.
class RankRows {
 public:
  RankRows() = default;
  // Divides `all` rows among the ranks: first the rows 0 .. ahead-1, then the others. So each rank
  // has its share of the former, which stand first on every rank. With `ahead` 0 there is one
  // block. If the number of ranks does not divide a number of rows, the ranks' counts differ by at
  // most one.
  RankRows(const Comm& ranks, std::int64_t all, std::int64_t ahead = 0);

  // Returns the number of rows on all ranks, or on this rank.
  [[nodiscard]] std::int64_t all() const { return all_; }
  [[nodiscard]] std::int64_t count() const { return blocks_[0].count + blocks_[1].count; }
  // Returns this rank's rows, numbered among the part's rows of all ranks. The second block may be
  // empty.
  [[nodiscard]] std::span<const RowBlock> blocks() const { return blocks_; }
  // Returns the number of this rank's first row. There must be one block only.
  [[nodiscard]] std::int64_t first() const;

  // Returns the values of this rank's rows. `values` has one value for each row of all ranks.
  template <class T>
  [[nodiscard]] std::vector<T> of(const std::vector<T>& values) const {
    std::vector<T> mine;
    for (const auto [first, count] : blocks_) {
      mine.insert(mine.end(), values.begin() + first, values.begin() + first + count);
    }
    return mine;
  }

 private:
  std::int64_t all_ = 0;
  std::array<RowBlock, 2> blocks_;
};

// The parts of a batch and the positions of their rows. Each rank's batch is a concatenation of the
// parts. The batch of all ranks is numbered part by part too: the first part's rows of rank 0, of
// rank 1, and so on, then the second part's rows. These row numbers address random numbers, which
// therefore do not depend on the number of ranks.
class BatchLayout {
 public:
  explicit BatchLayout(const Comm& ranks) : ranks_(&ranks) {}

  // Adds a part with `rows` rows on all ranks together, of which the first `ahead` are divided
  // among the ranks separately. Both are multiples of the number of ranks.
  void add(Part part, std::int64_t rows, std::int64_t ahead = 0);
  // Adds a part with `rows` rows on each rank.
  void add_per_rank(Part part, std::int64_t rows) { add(part, rows * ranks_->size()); }

  // Returns the number of rows of all parts on this rank, or on all ranks.
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] std::int64_t all_rows() const { return all_rows_; }
  [[nodiscard]] const RankRows& rows(Part part) const { return find(part).rows; }

  // Returns this rank's rows of the part from a tensor [rows(),...] that holds all parts.
  [[nodiscard]] Tensor of(const Tensor& batch, Part part) const;
  // Returns this rank's rows of the part, numbered in the batch of all ranks. The second block may
  // be empty.
  [[nodiscard]] std::array<RowBlock, 2> blocks(Part part) const;
  // Returns the number of this rank's first row of the part in the batch of all ranks, if the part
  // has one block only.
  [[nodiscard]] std::int64_t number(Part part) const;
  // Returns the numbers of this rank's first `count` rows in the batch of all ranks.
  [[nodiscard]] std::vector<std::int64_t> numbers(std::int64_t count) const;
  // Converts a number in the batch of all ranks to a row of the tensor that gather_ranks returns,
  // in which the ranks' batches follow one another. The part must have one block only.
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

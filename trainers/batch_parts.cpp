#include "trainers/batch_parts.hpp"

#include <algorithm>

#include "autograd/ops.hpp"
#include "core/error.hpp"

namespace scimix {

RankRows::RankRows(const Comm& ranks, std::int64_t all, std::int64_t ahead) : all_(all) {
  SCIMIX_CHECK(0 <= ahead && ahead <= all, ahead, " of ", all, " rows ahead");
  if (ahead == 0) ahead = all;
  const std::int64_t rest = all - ahead;
  blocks_ = {{{.first = ranks.first_row(ahead), .count = ranks.row_count(ahead)},
              {.first = ahead + ranks.first_row(rest), .count = ranks.row_count(rest)}}};
}

std::int64_t RankRows::first() const {
  SCIMIX_CHECK(blocks_[1].count == 0, "two blocks of rows, expected one");
  return blocks_[0].first;
}

void BatchLayout::add(Part part, std::int64_t rows, std::int64_t ahead) {
  entries_.push_back({.part = part,
                      .rows = RankRows(*ranks_, rows, ahead),
                      .begin = rows_,
                      .all_begin = all_rows_});
  rows_ += entries_.back().rows.count();
  all_rows_ += rows;
}

const BatchLayout::Entry& BatchLayout::find(Part part) const {
  const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& e) { return e.part == part; });
  SCIMIX_CHECK(entry != entries_.end(), "a batch without part ", static_cast<int>(part));
  return *entry;
}

Tensor BatchLayout::of(const Tensor& batch, Part part) const {
  const Entry& entry = find(part);
  return batch.rows(entry.begin, entry.begin + entry.rows.count());
}

std::array<RowBlock, 2> BatchLayout::blocks(Part part) const {
  const Entry& entry = find(part);
  std::array<RowBlock, 2> blocks;
  std::copy(entry.rows.blocks().begin(), entry.rows.blocks().end(), blocks.begin());
  for (RowBlock& block : blocks) block.first += entry.all_begin;
  return blocks;
}

std::int64_t BatchLayout::number(Part part) const {
  const Entry& entry = find(part);
  return entry.all_begin + entry.rows.first();
}

std::vector<std::int64_t> BatchLayout::numbers(std::int64_t count) const {
  std::vector<std::int64_t> all;
  for (const Entry& entry : entries_) {
    for (const auto [first, rows] : entry.rows.blocks()) {
      for (std::int64_t row = 0; row < rows; ++row) {
        all.push_back(entry.all_begin + first + row);
      }
    }
  }
  all.resize(static_cast<std::size_t>(count));
  return all;
}

std::int64_t BatchLayout::gathered_row(std::int64_t number) const {
  for (const Entry& entry : entries_) {
    const std::int64_t in_part = number - entry.all_begin;
    if (in_part >= entry.rows.all()) continue;
    SCIMIX_CHECK(entry.rows.blocks()[1].count == 0, "image ", number, " of a part in two blocks");
    const std::int64_t rank = in_part / entry.rows.count();
    return rank * rows_ + entry.begin + in_part % entry.rows.count();
  }
  SCIMIX_CHECK(false, "image ", number, " of a batch of ", all_rows_);
  return -1;
}

bool NamedParts::has(Part part) const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [&](const Named& named) { return named.first == part; });
}

const Variable& NamedParts::operator[](Part part) const {
  const auto named =
      std::find_if(parts_.begin(), parts_.end(), [&](const Named& n) { return n.first == part; });
  SCIMIX_CHECK(named != parts_.end(), "no part ", static_cast<int>(part));
  return named->second;
}

Variable NamedParts::joined() const {
  if (parts_.size() == 1) return parts_.front().second;
  std::vector<Variable> values;
  for (const Named& named : parts_) values.push_back(named.second);
  return concat_rows(values);
}

std::vector<std::int64_t> NamedParts::sizes() const {
  std::vector<std::int64_t> all;
  for (const Named& named : parts_) all.push_back(named.second.value().dim(0));
  return all;
}

std::pair<std::int64_t, std::int64_t> NamedParts::range(Part part) const {
  std::int64_t begin = 0;
  for (const auto& [name, value] : parts_) {
    const std::int64_t end = begin + value.value().dim(0);
    if (name == part) return {begin, end};
    begin = end;
  }
  SCIMIX_CHECK(false, "no part ", static_cast<int>(part));
  return {};
}

Variable NamedParts::of(const Variable& result, Part part) const {
  const auto [begin, end] = range(part);
  return parts_.size() == 1 ? result : slice_rows(result, begin, end);
}

NamedParts NamedParts::through(Part last) const {
  NamedParts first;
  for (const auto& [name, value] : parts_) {
    first.add(name, value);
    if (name == last) break;
  }
  return first;
}

Variable NamedParts::through(const Variable& result, Part last) const {
  const std::int64_t end = range(last).second;
  return parts_.back().first == last ? result : slice_rows(result, 0, end);
}

}  // namespace scimix

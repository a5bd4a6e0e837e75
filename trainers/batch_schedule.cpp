#include "trainers/batch_schedule.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/error.hpp"
#include "kernels/rows/step_row.hpp"

namespace scimix {

namespace {

template <class T>
void write(std::span<std::int32_t> row, const BatchSchedule::Column& column,
           std::span<const T> values) {
  SCIMIX_CHECK(std::ssize(values) == column.count, values.size(), " values for a column of ",
               column.count);
  for (std::size_t i = 0; i < values.size(); ++i) {
    row[static_cast<std::size_t>(column.begin) + i] = std::bit_cast<std::int32_t>(values[i]);
  }
}

}  // namespace

void BatchSchedule::Row::set(const Column& column, std::span<const std::int32_t> values) const {
  write(values_, column, values);
}
void BatchSchedule::Row::set(const Column& column, std::span<const float> values) const {
  write(values_, column, values);
}

BatchSchedule::BatchSchedule(Device device, std::int64_t steps) : device_(device), steps_(steps) {
  SCIMIX_CHECK(steps > 0, "a schedule for ", steps, " steps");
}

BatchSchedule::Column BatchSchedule::add(std::int64_t count) {
  SCIMIX_CHECK(!table_.defined(), "a column is added to a schedule that has started");
  const Column column{.begin = width_, .count = count};
  // Columns start at multiples of 16 bytes, so that kernels can read packs of four values.
  width_ += (count + 3) / 4 * 4;
  return column;
}

void BatchSchedule::start(Draw draw) {
  const MemoryLabel label("batch schedule");
  draw_ = std::move(draw);
  host_.resize(static_cast<std::size_t>(steps_ * width_));
  table_ = Tensor::zeros({steps_, width_}, DType::i32, device_);
  first_ = Tensor::zeros({1}, DType::i32, device_);
  row_ = Tensor::zeros({width_}, DType::i32, device_);
}

std::int64_t BatchSchedule::prepare(std::int64_t first) {
  SCIMIX_CHECK(draw_ != nullptr, "a batch schedule that has not started");
  if (first >= drawn_from_ && first < drawn_to_) return drawn_to_ - first;
  for (std::int64_t i = 0; i < steps_; ++i) {
    const auto row = std::span(host_).subspan(static_cast<std::size_t>(i * width_),
                                              static_cast<std::size_t>(width_));
    draw_(first + i, Row(row));
  }
  table_.copy_from_host(host_.data());
  const auto begin = static_cast<std::int32_t>(first);
  first_.copy_from_host(&begin);
  drawn_from_ = first;
  drawn_to_ = first + steps_;
  return steps_;
}

void BatchSchedule::take(const Tensor& step) {
  take_step_row(table_, first_, step, row_);
}

Tensor BatchSchedule::indices(const Column& column) const {
  return row_.rows(column.begin, column.begin + column.count);
}

Tensor BatchSchedule::numbers(const Column& column) const {
  return indices(column).as(DType::f32);
}

}  // namespace scimix

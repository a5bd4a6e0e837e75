#include "trainers/batch_plan.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/error.hpp"
#include "kernels/step_row.hpp"

namespace scimix {

namespace {

template <class T>
void write(std::span<std::int32_t> row, const BatchPlan::Column& column,
           std::span<const T> values) {
  SCIMIX_CHECK(std::ssize(values) == column.count, values.size(), " values for a column of ",
               column.count);
  for (std::size_t i = 0; i < values.size(); ++i) {
    row[static_cast<std::size_t>(column.begin) + i] = std::bit_cast<std::int32_t>(values[i]);
  }
}

}  // namespace

void BatchPlan::Row::set(const Column& column, std::span<const std::int32_t> values) const {
  write(values_, column, values);
}
void BatchPlan::Row::set(const Column& column, std::span<const float> values) const {
  write(values_, column, values);
}

BatchPlan::BatchPlan(Device device, std::int64_t steps) : device_(device), steps_(steps) {
  SCIMIX_CHECK(steps > 0, "a plan for ", steps, " steps");
}

BatchPlan::Column BatchPlan::add(std::int64_t count) {
  SCIMIX_CHECK(!table_.defined(), "a column is added to a plan that has started");
  const Column column{.begin = width_, .count = count};
  // 16 bytes, so that what reads a column may read packs.
  width_ += (count + 3) / 4 * 4;
  return column;
}

void BatchPlan::start(Draw draw) {
  const MemoryLabel label("plan of batches");
  draw_ = std::move(draw);
  host_.resize(static_cast<std::size_t>(steps_ * width_));
  table_ = Tensor::zeros({steps_, width_}, DType::i32, device_);
  first_ = Tensor::zeros({1}, DType::i32, device_);
  row_ = Tensor::zeros({width_}, DType::i32, device_);
}

std::int64_t BatchPlan::prepare(std::int64_t first) {
  SCIMIX_CHECK(draw_ != nullptr, "a plan of batches that has not started");
  if (first >= planned_from_ && first < planned_to_) return planned_to_ - first;
  for (std::int64_t i = 0; i < steps_; ++i) {
    const auto row = std::span(host_).subspan(static_cast<std::size_t>(i * width_),
                                              static_cast<std::size_t>(width_));
    draw_(first + i, Row(row));
  }
  table_.copy_from_host(host_.data());
  const auto begin = static_cast<std::int32_t>(first);
  first_.copy_from_host(&begin);
  planned_from_ = first;
  planned_to_ = first + steps_;
  return steps_;
}

void BatchPlan::take(const Tensor& step) const {
  take_step_row(table_, first_, step, row_);
}

Tensor BatchPlan::indices(const Column& column) const {
  return row_.rows(column.begin, column.begin + column.count);
}

Tensor BatchPlan::numbers(const Column& column) const {
  return indices(column).as(DType::f32);
}

}  // namespace scimix

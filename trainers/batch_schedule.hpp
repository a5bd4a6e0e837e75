// The batch schedule: a table on the device with the values that the host draws for each step, such
// as indices of images, pairs and mixing weights. The host fills it for many steps at a time, so
// that a step copies nothing from the host.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/tensor.hpp"

namespace scimix {

class BatchSchedule {
 public:
  // Consecutive values in the row of a step.
  struct Column {
    std::int64_t begin = 0;
    std::int64_t count = 0;
  };
  // The values of one step, to be filled in by `Draw`.
  class Row {
   public:
    explicit Row(std::span<std::int32_t> values) : values_(values) {}
    // Set the values of a column. Throw Error{bug} unless there are column.count values.
    void set(const Column& column, std::span<const std::int32_t> values) const;
    void set(const Column& column, std::span<const float> values) const;

   private:
    std::span<std::int32_t> values_;
  };
  using Draw = std::function<void(std::int64_t step, const Row& row)>;

  // The number of steps that are drawn at once. For FixMatch, 256 steps need about one megabyte,
  // and the host interrupts the device rarely.
  static constexpr std::int64_t kStepsAhead = 256;

  // Creates a schedule with rows for `steps` steps.
  BatchSchedule(Device device, std::int64_t steps);

  // Adds a column of `count` values. Call `start` after all columns are added.
  [[nodiscard]] Column add(std::int64_t count);
  // Allocates the memory. `draw` fills in the values of a step; it is called once per step, in
  // ascending order.
  void start(Draw draw);
  [[nodiscard]] bool started() const { return draw_ != nullptr; }

  // Makes sure that the values of step `first` are on the device. Returns the number of steps, from
  // `first` on, whose values are there. If those of `first` are missing, draws as many steps as the
  // schedule has rows and copies them to the device. Call it only between steps.
  [[nodiscard]] std::int64_t prepare(std::int64_t first);
  // Copies the row of `step` (i32 [1]) to the tensors that indices() and numbers() return. Each
  // step begins with this call, which a graph can record.
  void take(const Tensor& step);

  // Return views of the row that `take` copied last, as i32 or f32 [count]. The addresses are
  // fixed.
  [[nodiscard]] Tensor indices(const Column& column) const;
  [[nodiscard]] Tensor numbers(const Column& column) const;

 private:
  Device device_;
  std::int64_t steps_;
  std::int64_t width_ = 0;
  Draw draw_;
  std::int64_t drawn_from_ = 0;
  std::int64_t drawn_to_ = 0;  // exclusive
  std::vector<std::int32_t> host_;
  Tensor table_;  // i32 [steps,width]
  Tensor first_;  // i32 [1]: the step of row 0
  Tensor row_;    // i32 [width]
};

}  // namespace scimix

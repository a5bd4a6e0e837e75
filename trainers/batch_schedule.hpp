// The batch schedule: what the host draws for each step (which images, which pairs, which shares),
// drawn for many steps ahead and kept on the device, so that a step copies nothing from the host.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/tensor.hpp"

namespace scimix {

class BatchSchedule {
 public:
  // A range of the values that are drawn for a step.
  struct Column {
    std::int64_t begin = 0;
    std::int64_t count = 0;
  };
  // The values of one step, which `Draw` fills in.
  class Row {
   public:
    explicit Row(std::span<std::int32_t> values) : values_(values) {}
    void set(const Column& column, std::span<const std::int32_t> values) const;
    void set(const Column& column, std::span<const float> values) const;

   private:
    std::span<std::int32_t> values_;
  };
  using Draw = std::function<void(std::int64_t step, const Row& row)>;

  // The number of steps that are drawn at once. 256 steps of FixMatch are one megabyte of indices,
  // and the host interrupts the device rarely enough.
  static constexpr std::int64_t kStepsAhead = 256;

  // Has memory for `steps` steps at once.
  BatchSchedule(Device device, std::int64_t steps);

  // Adds a column of `count` values. All columns are added before `start`.
  [[nodiscard]] Column add(std::int64_t count);
  // Allocates the memory. `draw` fills in the values of a step; it is called once per step, in
  // ascending order.
  void start(Draw draw);
  [[nodiscard]] bool started() const { return draw_ != nullptr; }

  // Makes sure that the values of step `first` are on the device, and returns for how many steps
  // from `first` on they are there. Where step `first` is missing, this draws as many steps as
  // there is memory for and copies them to the device, which may only happen between steps.
  [[nodiscard]] std::int64_t prepare(std::int64_t first);
  // Copies the values of a step (i32 [1]) to where indices() and numbers() read them. This is part
  // of the step.
  void take(const Tensor& step);

  // Return the values taken last, at fixed addresses: i32 or f32 [count].
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

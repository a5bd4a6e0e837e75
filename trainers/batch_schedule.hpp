// What the host draws for each step - which images, which pairs, which shares - made for many steps
// ahead and kept on the device, so that a step itself copies nothing from the host.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/tensor.hpp"

namespace scimix {

class BatchPlan {
 public:
  // A part of a step's row.
  struct Column {
    std::int64_t begin = 0;
    std::int64_t count = 0;
  };
  // The row of one step, to be filled in.
  class Row {
   public:
    explicit Row(std::span<std::int32_t> values) : values_(values) {}
    void set(const Column& column, std::span<const std::int32_t> values) const;
    void set(const Column& column, std::span<const float> values) const;

   private:
    std::span<std::int32_t> values_;
  };
  using Draw = std::function<void(std::int64_t step, const Row& row)>;

  // Steps drawn at once: a megabyte of indices for FixMatch's batches, and the host interrupts the
  // device seldom enough.
  static constexpr std::int64_t kStepsAhead = 256;

  // Room for `steps` steps at once.
  BatchPlan(Device device, std::int64_t steps);

  // Before `start`.
  [[nodiscard]] Column add(std::int64_t count);
  // `draw` fills the row of a step; it is called once per step, in their order.
  void start(Draw draw);

  // Makes sure that the row of step `first` is on the device, and says how many steps from it on
  // are. Where it is not, as many are drawn as there is room for: a copy from the host, between
  // steps.
  [[nodiscard]] std::int64_t prepare(std::int64_t first);
  // Part of the step: takes its row out of the plan. step i32 [1].
  void take(const Tensor& step) const;

  // Of the row taken last, at fixed addresses: i32 or f32 [count].
  [[nodiscard]] Tensor indices(const Column& column) const;
  [[nodiscard]] Tensor numbers(const Column& column) const;

 private:
  Device device_;
  std::int64_t steps_;
  std::int64_t width_ = 0;
  Draw draw_;
  std::int64_t planned_from_ = 0;
  std::int64_t planned_to_ = 0;  // exclusive
  std::vector<std::int32_t> host_;
  Tensor table_;  // i32 [steps,width]
  Tensor first_;  // i32 [1]: the step of row 0
  Tensor row_;    // i32 [width]
};

}  // namespace scimix

// Mean Teacher's consistency: the student predicts what the teacher predicts.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

// Logits [N,C] of both -> scalar, f32 at least: mean over batch and classes of
// (softmax(student) - softmax(teacher))^2. The teacher gets no gradient. Source: Tarvainen and
// Valpola 2017, with the mean over classes of FixMatch's code [METHOD 4].
[[nodiscard]] Variable consistency_loss(const Variable& student_logits,
                                        const Variable& teacher_logits);

}  // namespace scimix

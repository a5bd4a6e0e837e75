// Mean Teacher's consistency loss: the student should make the same predictions as the teacher.
#pragma once

#include "autograd/variable.hpp"

namespace scimix {

// Returns the mean over batch and classes of (softmax(student) - softmax(teacher))^2 for logits
// [N,C]: a scalar in f32, or in f64 for f64 logits. The teacher gets no gradient. Source: Tarvainen
// and Valpola 2017; the mean over classes is that of FixMatch's code (docs/method.md, section 5.2).
[[nodiscard]] Variable consistency_loss(const Variable& student_logits,
                                        const Variable& teacher_logits);

}  // namespace scimix

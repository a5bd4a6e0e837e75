#include "losses/consistency.hpp"

#include "losses/precision.hpp"

namespace scimix {

Variable consistency_loss(const Variable& student_logits, const Variable& teacher_logits) {
  SCIMIX_CHECK(student_logits.shape() == teacher_logits.shape(), "consistency_loss: student ",
               student_logits.shape(), ", teacher ", teacher_logits.shape());
  const Variable target = softmax(at_least_f32(teacher_logits.detach()));
  return mean(square(sub(softmax(at_least_f32(student_logits)), target)));
}

}  // namespace scimix

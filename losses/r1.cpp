#include "losses/r1.hpp"

#include "autograd/tape.hpp"
#include "losses/precision.hpp"

namespace scimix {

Variable r1_penalty(const std::function<Variable(const Variable&)>& critic, const Tensor& real,
                    double gamma) {
  const Variable x(real, /*requires_grad=*/true);
  const Variable total = sum(at_least_f32(critic(x)));
  const Variable slope = grad({&total, 1}, {&x, 1}, {}, {.create_graph = true}).front();
  SCIMIX_CHECK(slope.defined(), "r1_penalty: the critic does not depend on its input");
  const auto rows = static_cast<double>(real.dim(0));
  return scale(sum(square(at_least_f32(slope))), 0.5 * gamma / rows);
}

}  // namespace scimix

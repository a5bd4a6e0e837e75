// Cases of matmul and linear.
#include <string>
#include <utility>

#include "autograd/ops.hpp"
#include "cases/op_case.hpp"

namespace scimix {

namespace {

Shape maybe_swapped(std::int64_t rows, std::int64_t columns, bool swap) {
  return swap ? Shape{columns, rows} : Shape{rows, columns};
}

OpCase matmul_case(std::string label, const GemmSizes& z, const Transpose& t) {
  OpCase c;
  c.op = "matmul";
  c.label = std::move(label);
  c.inputs = {{.shape = maybe_swapped(z.m, z.k, t.a)}, {.shape = maybe_swapped(z.k, z.n, t.b)}};
  c.run = [t](const Variables& in) { return Variables{matmul(in[0], in[1], t)}; };
  c.definition = [z, t](const HostArrays& in) {
    HostArray out({z.m, z.n});
    for (std::int64_t i = 0; i < z.m; ++i) {
      for (std::int64_t j = 0; j < z.n; ++j) {
        for (std::int64_t l = 0; l < z.k; ++l) {
          out[i * z.n + j] +=
              in[0][t.a ? l * z.m + i : i * z.k + l] * in[1][t.b ? j * z.k + l : l * z.n + j];
        }
      }
    }
    return HostArrays{out};
  };
  if (z.k >= 1000) c.tolerance.f32 = 1e-5;  // rounding errors of long sums, with room
  c.flops = 2.0 * static_cast<double>(z.m * z.n) * static_cast<double>(z.k);
  return c;
}

OpCase linear_case(const char* label, std::int64_t rows, std::int64_t in, std::int64_t out,
                   bool with_bias) {
  OpCase c;
  c.op = "linear";
  c.label = label;
  c.inputs = {{.shape = {rows, in}}, {.shape = {out, in}}};
  if (with_bias) c.inputs.push_back({.shape = {out}, .parameter = true});
  c.run = [with_bias](const Variables& v) {
    return Variables{linear(v[0], v[1], with_bias ? v[2] : Variable())};
  };
  c.definition = [=](const HostArrays& v) {
    HostArray y({rows, out});
    for (std::int64_t n = 0; n < rows; ++n) {
      for (std::int64_t o = 0; o < out; ++o) {
        double sum = with_bias ? v[2][o] : 0;
        for (std::int64_t i = 0; i < in; ++i) sum += v[0][n * in + i] * v[1][o * in + i];
        y[n * out + o] = sum;
      }
    }
    return HostArrays{y};
  };
  c.flops = 2.0 * static_cast<double>(rows * in) * static_cast<double>(out);
  return c;
}

std::string flags(const Transpose& t) {
  return text(t.a ? "A^T" : "A", t.b ? " B^T" : " B");
}

std::vector<OpCase> matmul_cases() {
  std::vector<OpCase> cases;
  for (const Transpose t :
       {Transpose{}, Transpose{.a = true}, Transpose{.b = true}, Transpose{.a = true, .b = true}}) {
    cases.push_back(matmul_case(flags(t), {.m = 8, .n = 16, .k = 4}, t));
    cases.push_back(matmul_case(flags(t) + ", odd sizes", {.m = 7, .n = 5, .k = 11}, t));
    cases.push_back(matmul_case(flags(t) + ", one row", {.m = 1, .n = 3, .k = 6}, t));
    cases.push_back(matmul_case(flags(t) + ", zero rows", {.m = 0, .n = 3, .k = 2}, t));
    cases.push_back(matmul_case(flags(t) + ", no terms", {.m = 2, .n = 3, .k = 0}, t));
    cases.push_back(matmul_case(flags(t) + ", long sums", {.m = 37, .n = 41, .k = 1537}, t));
    cases.back().gradient = false;
    cases.push_back(timed(matmul_case(flags(t) + ", 1024", {.m = 1024, .n = 1024, .k = 1024}, t)));
  }
  return cases;
}

const OpCases registered{[] {
  std::vector<OpCase> cases = matmul_cases();
  cases.push_back(linear_case("typical", 8, 16, 10, true));
  cases.push_back(linear_case("without bias", 4, 6, 5, false));
  cases.push_back(linear_case("odd sizes", 3, 7, 5, true));
  cases.push_back(linear_case("one row", 1, 5, 3, true));
  cases.push_back(linear_case("zero rows", 0, 5, 3, true));
  cases.push_back(linear_case("one output", 3, 5, 1, true));
  cases.push_back(timed(linear_case("the head of a WRN-28-2", 32, 128, 10, true)));
  return cases;
}};

}  // namespace

}  // namespace scimix

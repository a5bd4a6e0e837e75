// Every operator of the tape. autograd/ops/<family>.cpp holds the forward pass and the derivative
// of an operator, cases/<family>.cpp its test cases.
//
// Images are [N,H,W,C], convolution kernels [K,R,S,C], rows [N,C]. "Any shape" means up to rank 5.
// A mistake in shapes or element types is a bug and throws with the operator's name.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "autograd/variable.hpp"
#include "kernels/conv/conv.hpp"
#include "kernels/gemm/gemm.hpp"

namespace scimix {

class Comm;  // core/comm.hpp

// ---- elementwise (ops/elementwise.cpp) ---------------------------------------------------------
// Binary operators broadcast as NumPy does: shapes align at the last axis, 1 stretches.
[[nodiscard]] Variable add(const Variable& a, const Variable& b);
[[nodiscard]] Variable sub(const Variable& a, const Variable& b);
[[nodiscard]] Variable mul(const Variable& a, const Variable& b);
[[nodiscard]] Variable div(const Variable& a, const Variable& b);
[[nodiscard]] Variable scale(const Variable& x, double factor);
[[nodiscard]] Variable add_scalar(const Variable& x, double term);
[[nodiscard]] Variable identity(const Variable& x);  // shares the value
[[nodiscard]] Variable cast(const Variable& x, DType dtype);
[[nodiscard]] Variable exp(const Variable& x);
[[nodiscard]] Variable log(const Variable& x);
[[nodiscard]] Variable sqrt(const Variable& x);
[[nodiscard]] Variable rsqrt(const Variable& x);  // 1/sqrt(x)
[[nodiscard]] Variable square(const Variable& x);
[[nodiscard]] Variable sigmoid(const Variable& x);
[[nodiscard]] Variable tanh(const Variable& x);
[[nodiscard]] Variable softplus(const Variable& x);  // log(1+exp(x)), without overflow
// x for x > 0, slope x otherwise; slope > 0, so that the sign of y is the sign of x.
[[nodiscard]] Variable leaky_relu(const Variable& x, double slope);
// gy for y > 0, slope gy otherwise: the derivative of leaky_relu. It is linear in gy.
[[nodiscard]] Variable leaky_relu_grad(const Variable& gy, const Variable& y, double slope);
// min(x, highest), without a gradient where x > highest: a cap for a term that is maximised.
[[nodiscard]] Variable clamp_max(const Variable& x, double highest);
// Returns x. Gradients that flow back through the result are multiplied by factor.
[[nodiscard]] Variable scale_gradient(const Variable& x, double factor);
// target += value, outside the tape. backward() adds gradients into their slab by it.
void accumulate(const Tensor& value, const Output& target);

// ---- reductions (ops/reduce.cpp) ---------------------------------------------------------------
// Reductions run over the given axes, over all axes if none are given. With keep_dims, a reduced
// axis stays with length 1.
struct ReduceOptions {
  std::vector<int> axes;
  bool keep_dims = false;
};
[[nodiscard]] Variable sum(const Variable& x, const ReduceOptions& options = {});
[[nodiscard]] Variable mean(const Variable& x, const ReduceOptions& options = {});
[[nodiscard]] Variable variance(const Variable& x, const ReduceOptions& options = {});  // biased
// Broadcasting and its adjoint, which sums to the smaller shape.
[[nodiscard]] Variable broadcast_to(const Variable& x, const Shape& shape);
[[nodiscard]] Variable sum_to(const Variable& x, const Shape& shape);

// ---- classification (ops/softmax.cpp) ----------------------------------------------------------
[[nodiscard]] Variable softmax(const Variable& logits);      // [N,C], over C
[[nodiscard]] Variable log_softmax(const Variable& logits);  // [N,C], over C
// -log softmax(logits)[label], [N]; labels i32 [N] in 0..C-1. The losses of bf16 logits are f32. A
// label out of range is a bug: it throws on the CPU, and its loss is NaN on a GPU.
[[nodiscard]] Variable cross_entropy(const Variable& logits, const Tensor& labels);
// -sum_c target log softmax(logits), [N]; targets [N,C] of the dtype of the logits, rows sum to
// one; no gradient in targets. The losses of bf16 logits are f32.
[[nodiscard]] Variable cross_entropy_soft(const Variable& logits, const Variable& targets);

// ---- convolution (ops/conv.cpp) ----------------------------------------------------------------
// struct Conv2d {int stride = 1; int pad = 1;} is that of kernels/conv/conv.hpp.
// x [N,H,W,C], w [K,R,S,C] -> [N,P,Q,K], P = (H + 2 pad - R)/stride + 1. x may have up to seven
// channels more than w. These are padding and must be zero (whole_channels in
// kernels/conv/conv.hpp).
[[nodiscard]] Variable conv2d(const Variable& x, const Variable& w, const Conv2d& conv);
// The data gradient, which is also the transposed convolution: gy [N,P,Q,K], w [K,R,S,C] ->
// x_shape.
[[nodiscard]] Variable conv2d_dgrad(const Variable& gy, const Variable& w, const Shape& x_shape,
                                    const Conv2d& conv);
// The weight gradient: gy [N,P,Q,K], x [N,H,W,C] -> w_shape.
[[nodiscard]] Variable conv2d_wgrad(const Variable& gy, const Variable& x, const Shape& w_shape,
                                    const Conv2d& conv);

// ---- matrix product (ops/matmul.cpp) -----------------------------------------------------------
// struct Transpose {bool a = false; bool b = false;} is that of kernels/gemm/gemm.hpp.
// op(a) [M,K] times op(b) [K,N] -> [M,N].
[[nodiscard]] Variable matmul(const Variable& a, const Variable& b,
                              const Transpose& transpose = {});
// x [N,in], w [out,in], bias [out] or undefined -> [N,out].
[[nodiscard]] Variable linear(const Variable& x, const Variable& w, const Variable& bias);

// ---- batch norm and activations (ops/norm.cpp, ops/bias_act.cpp) -------------------------------
// Where the statistics of a batch norm come from.
enum class NormMode {
  train,       // batch statistics; running statistics are updated
  batch_only,  // batch statistics; running statistics stay (frozen paths, teachers)
  eval,        // running statistics
};
struct BatchNorm {
  NormMode mode = NormMode::train;
  double eps = 1e-3;
  double momentum = 1e-3;  // weight of the batch in the running statistics
  // Slope of the leaky ReLU that is applied to the result; 1 means none.
  double slope = 1.0;
  // Number of rows of each segment; each segment has its own statistics. Empty means one segment,
  // the whole batch. Only the first segment updates the running statistics.
  std::vector<std::int64_t> segments = {};
  // The ranks whose rows the statistics are computed over; all ranks hold equally many rows. Null
  // means only the rows of this rank.
  Comm* ranks = nullptr;
};
// Running statistics, which NormMode::train updates.
struct RunningStats {
  Output mean;      // [C], f32 (f64 in f64 graphs)
  Output variance;  // [C]; unbiased, as PyTorch and TensorFlow keep it
};
// y = lrelu(gamma (x - mean)/sqrt(var + eps) + beta). x [N,H,W,C] or [N,C]; gamma, beta [C].
[[nodiscard]] Variable batch_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                                  const RunningStats& running, const BatchNorm& options);
// The same for x = a + b, and the sum itself. Adding the residual costs no separate pass.
struct AddBatchNorm {
  Variable sum;
  Variable y;
};
[[nodiscard]] AddBatchNorm add_batch_norm(const Variable& a, const Variable& b,
                                          const Variable& gamma, const Variable& beta,
                                          const RunningStats& running, const BatchNorm& options);
// y = gain lrelu(input_gain x + bias), bias [C] over the last axis. StyleGAN2's bias_act.
struct BiasAct {
  double slope = 0.2;
  double gain = 1.0;
  double input_gain = 1.0;
};
[[nodiscard]] Variable bias_act(const Variable& x, const Variable& bias, const BiasAct& options);

// ---- pooling and resampling (ops/resample.cpp) -------------------------------------------------
[[nodiscard]] Variable global_average_pool(const Variable& x);           // [N,H,W,C] -> [N,C]
[[nodiscard]] Variable upsample_nearest(const Variable& x, int factor);  // H, W times factor
[[nodiscard]] Variable downsample_sum(const Variable& x, int factor);    // its adjoint
// Inserts zeros between pixels (`up`), pads, convolves with `filter` [fh,fw] (flipped, as in a
// convolution), keeps every `down`-th pixel and multiplies by gain. Source: StyleGAN2 (Karras et
// al. 2020), upfirdn2d. Pads may be negative. x [N,H,W,C] -> [N,P,Q,C] with
// P = (H up + y0 + y1 - fh) / down + 1, rounded down, and Q likewise from W, x0, x1 and fw. x and
// the result have any floating type; `filter` is f32, or f64 for an x in f64.
struct UpFirDn {
  int up = 1;
  int down = 1;
  std::array<int, 4> pad{};  // x0, x1, y0, y1
  double gain = 1.0;
  bool correlate = false;  // true: the filter is not flipped
};
[[nodiscard]] Variable upfirdn2d(const Variable& x, const Tensor& filter, const UpFirDn& options);
// Returns StyleGAN2's filter for images of `dtype`: [1,3,3,1] along both axes, with sum 1.
[[nodiscard]] Tensor resample_filter(DType dtype, Device device);

// ---- modulated convolution (ops/modulate.cpp) --------------------------------------------------
// StyleGAN2's convolution (Karras et al. 2020, section 2.2 and appendix B) in one operator. The
// style scales the input channels. Demodulation brings every output channel of every sample back to
// unit variance. Noise, bias and leaky ReLU follow.
//
//   w'[n,k,r,s,c] = w[k,r,s,c] style[n,c];  d[n,k] = rsqrt(sum over r,s,c of w'^2 + eps)
//   y = gain lrelu(d conv(style x, w) + strength noise + bias)
//
// With `up`, the convolution is the transposed one of stride 2 followed by the [1,3,3,1] filter
// with gain 4 (ibid., upfirdn2d): w is then [C,3,3,K], as conv2d_dgrad takes it, and y has twice
// the height and width. Otherwise w is [K,R,S,C], R and S odd, and y has the size of x.
struct ModulatedConv {
  bool up = false;
  bool demodulate = true;
  double slope = 0.2;  // 1: no activation
  double gain = 1.4142135623730951;
  double eps = 1e-8;
};
// Optional noise: one number per pixel, added to all channels. It gets no gradient.
struct PixelNoise {
  Tensor image = {};       // [N,P,Q], of the compute type of x; undefined: no noise
  Variable strength = {};  // [1]
};
// Intermediate results of demodulation; undefined without demodulation.
struct Demodulation {
  Tensor energy = {};  // [K,C]: the sum over taps of w^2
  Tensor d = {};       // [N,K], above
};
struct DemodulatedLayer {
  Variable w;
  Variable style;
  ModulatedConv options;
};
// Computes them for several layers (16 at most) in two launches, instead of two per layer.
[[nodiscard]] std::vector<Demodulation> demodulations(std::span<const DemodulatedLayer> layers);

// x [N,H,W,C], style [N,C], bias [K] -> [N,P,Q,K]. style, bias and strength are of the compute type
// of x (f32 for bf16), w of its type. `known` is the result of `demodulations` for this w and
// style.
[[nodiscard]] Variable modulated_conv2d(const Variable& x, const Variable& w, const Variable& style,
                                        const Variable& bias, const PixelNoise& noise,
                                        const ModulatedConv& options,
                                        const Demodulation& known = {});

// ---- styles (ops/styles.cpp) -------------------------------------------------------------------
// The affine map from a style code to the style of a layer.
struct StyleLayer {
  Variable weight;      // [C,S]
  Variable bias;        // [C]
  double factor = 1.0;  // multiplies the result
};
// style_l = factor_l (gain code weight_l^T + bias_l) for several layers (16 at most), in one
// launch; code [N,S] -> [N,C_l] each. All of one type, f32 or f64.
[[nodiscard]] std::vector<Variable> styles(const Variable& code, std::span<const StyleLayer> layers,
                                           double gain);

// ---- shapes (ops/shape.cpp) --------------------------------------------------------------------
[[nodiscard]] Variable reshape(const Variable& x, const Shape& shape);
[[nodiscard]] Variable slice_rows(const Variable& x, std::int64_t begin, std::int64_t end);
[[nodiscard]] Variable slice_channels(const Variable& x, std::int64_t begin, std::int64_t end);
// The adjoints of slicing: the result is zero except for x, whose first row (channel) is at `begin`
// of `rows` (`channels`).
[[nodiscard]] Variable embed_rows(const Variable& x, std::int64_t begin, std::int64_t rows);
[[nodiscard]] Variable embed_channels(const Variable& x, std::int64_t begin, std::int64_t channels);
// Constants that are adjacent in the same storage are joined without a copy.
[[nodiscard]] Variable concat_rows(std::span<const Variable> parts);
[[nodiscard]] Variable concat_channels(std::span<const Variable> parts);
// y[i] = x[index[i]]; index i32 [M] -> [M, ...]. The adjoint adds up rows with the same index.
[[nodiscard]] Variable gather_rows(const Variable& x, const Tensor& index);
[[nodiscard]] Variable scatter_add_rows(const Variable& gy, const Tensor& index, std::int64_t rows);

// ---- rows of several ranks (ops/ranks.cpp) -----------------------------------------------------
// All ranks must call these, in forward and in backward passes.
// x [N,...] -> [R N,...], the rows of all R ranks in rank order. Its adjoint: gy [R N,...] ->
// [N,...], the rows of this rank in the sum over all ranks.
[[nodiscard]] Variable gather_ranks(const Variable& x, Comm& ranks);
[[nodiscard]] Variable scatter_ranks(const Variable& gy, Comm& ranks);

}  // namespace scimix

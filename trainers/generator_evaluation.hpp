// Evaluates a generator on test images. The pairs that are mixed are the same in every evaluation,
// so that the results of different steps and runs can be compared.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "models/autoencoder.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/transfer.hpp"

namespace scimix {

struct GeneratorEvaluation {
  Evaluation classifier;        // C on all images
  double reconstruction = 0.0;  // root mean square error of pixels in [-1,1]
  Transfer transfer;            // s_c and s_r of the hybrids, with C as the oracle
};

// Evaluates C on all images, hybrids on `pairs` pairs, and reconstructions on the semantic parents
// of these pairs. If `images` has fewer images than `pairs`, as many pairs as images are used.
// Images and pairs are divided among the ranks; every rank returns the result of all. Returns
// nothing if `options.give_up` ended the evaluation.
[[nodiscard]] std::optional<GeneratorEvaluation> evaluate_generator(
    const Autoencoder& networks, const ResidentSet& images, std::int64_t pairs, std::int64_t batch,
    Comm& ranks = local_comm(), const EvaluationOptions& options = {});

// Returns the images of one row of a picture grid, from the content x_c and the scene x_r of pairs
// that begin at index `first`.
using GridColumns =
    std::function<std::vector<Tensor>(const Tensor& x_c, const Tensor& x_r, std::int64_t first)>;
// Returns a picture grid, u8 [count*columns,H,W,3], with one row for each of the first `count`
// pairs. `columns` runs on `batch` pairs at a time, whose images have the type `dtype`.
[[nodiscard]] std::vector<std::uint8_t> grid_of_pairs(const ResidentSet& images, const Pairs& pairs,
                                                      std::int64_t count, std::int64_t batch,
                                                      DType dtype, const GridColumns& columns);

// Returns a picture grid, u8 [pairs*4,H,W,3], with one row for each pair: x_c, x_r, the
// reconstruction of x_r, and the hybrid with the class of x_c and the scene of x_r. The networks
// run on `batch` pairs at a time.
[[nodiscard]] std::vector<std::uint8_t> sample_grid(const Autoencoder& networks,
                                                    const ResidentSet& images, std::int64_t pairs,
                                                    std::int64_t batch);

}  // namespace scimix

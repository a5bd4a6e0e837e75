// What a generator does with images that it was not trained on, for fixed pairs of them, so that
// progress shows and runs can be compared.
#pragma once

#include <cstdint>
#include <vector>

#include "models/autoencoder.hpp"
#include "trainers/evaluate.hpp"
#include "trainers/transfer.hpp"

namespace scimix {

struct GeneratorEvaluation {
  Evaluation classifier;        // C on the images themselves
  double reconstruction = 0.0;  // root mean square error in [-1,1]
  Transfer transfer;            // class as C itself judges it
};

// Evaluates `pairs` pairs, or as many as there are images. Ranks share them; the result is that of
// all. Returns nothing where the evaluation was given up.
[[nodiscard]] std::optional<GeneratorEvaluation> evaluate_generator(
    const Autoencoder& networks, const ResidentSet& images, std::int64_t pairs, std::int64_t batch,
    Comm& ranks = local_comm(), const EvaluationOptions& options = {});

// Rows of x_c, x_r, the reconstruction of x_r, and the hybrid with the class of x_c and the scene
// of x_r: u8 [pairs*4,H,W,3].
[[nodiscard]] std::vector<std::uint8_t> sample_grid(const Autoencoder& networks,
                                                    const ResidentSet& images, std::int64_t pairs);

}  // namespace scimix

// Ways to mix two images: SciMix's generator, and what it is compared with (Sun et al. 2022, Fig.
// 3b). What they return is clamped to [-1,1], as a picture would be.
#pragma once

#include <cstdint>

#include "models/autoencoder.hpp"
#include "trainers/transfer.hpp"

namespace scimix {

// G(E_c(x_c), E_r(x_r)) with running statistics and without noise. The networks must outlive it.
[[nodiscard]] Mixer scimix_mixer(const Autoencoder& networks);
// l x_c + (1 - l) x_r, l = max(u, 1 - u) with u uniform: MixUp with alpha 1 in which x_c dominates.
[[nodiscard]] Mixer mixup_mixer(std::uint64_t seed);
// The colours of x_r, channel by channel.
[[nodiscard]] Mixer adain_mixer();
// The low-frequency amplitudes of x_r.
[[nodiscard]] Mixer fda_mixer(double band = 0.05);

}  // namespace scimix

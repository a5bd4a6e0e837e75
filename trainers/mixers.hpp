// Mixers for evaluations: SciMix's generator, and the mixers that it is compared with (Sun et al.
// 2022, Fig. 3b; docs/method.md, section 7). Their images are clamped to [-1,1].
#pragma once

#include <cstdint>

#include "models/autoencoder.hpp"
#include "trainers/transfer.hpp"

namespace scimix {

// Returns G(E_c(x_c), E_r(x_r)), with running statistics and without noise. The networks must
// outlive the mixer.
[[nodiscard]] Mixer scimix_mixer(const Autoencoder& networks);
// Returns l x_c + (1 - l) x_r, l = max(u, 1 - u) with u uniform in [0,1]: MixUp with alpha 1 in
// which x_c has the larger weight.
[[nodiscard]] Mixer mixup_mixer(std::uint64_t seed);
// Returns x_c with the mean and the standard deviation of each colour channel of x_r.
[[nodiscard]] Mixer adain_mixer();
// Returns x_c with the amplitudes of x_r at low frequencies. `band` is the largest such frequency,
// as a fraction of the image's smaller side.
[[nodiscard]] Mixer fda_mixer(double band = 0.05);

}  // namespace scimix

// Makes the network's input from the u8 images of the resident data set, in one pass: gather, flip,
// crop, normalise.
#pragma once

#include "kernels/launch/kernel.hpp"

namespace scimix {

struct WeakAugment {
  bool flip = true;         // mirror left and right, with probability 1/2
  int pad = 4;              // reflect-pad by this much, then crop a window at a uniform offset
  std::uint64_t seed = 0;   // random numbers: (seed, Purpose::augment, step, position in the batch)
  std::uint32_t first = 0;  // position of row 0 in the global batch, for ranks after the first
};

// images u8 [M,H,W,3], index i32 [N] with values in 0..M-1, step i32 [1] -> out [N,H,W,C],
// C >= 3: x/127.5 - 1, and zeros in further channels. These spare a convolution that reads whole
// packs of channels (conv.hpp) a padded copy. Reflection does not repeat the border: -1 -> 1
// (TensorFlow's REFLECT, as in FixMatch's augment.py). pad < H, W.
SCIMIX_KERNEL(augment_weak, (const Tensor& images, const Tensor& index, const Tensor& step,
                             const WeakAugment& options, const Output& out))

// The same without augmentation, for evaluation.
SCIMIX_KERNEL(normalize_images, (const Tensor& images, const Tensor& index, const Output& out))

// out[i] = labels[index[i]]. labels i32 [M], index and out i32 [N].
SCIMIX_KERNEL(gather_labels, (const Tensor& labels, const Tensor& index, const Output& out))

}  // namespace scimix

// Writes the networks as ONNX models for inference: with running statistics and without noise.
#pragma once

#include "exporter/onnx_graph.hpp"
#include "models/autoencoder.hpp"
#include "models/wide_resnet.hpp"

namespace scimix {

// Inputs and outputs of the models are images [N,H,W,3] with elements of u8 in 0..255 or f32 in
// [0,1]. The models convert them to the [-1,1] of the networks and back.

// Adds a classifier: input `image`, outputs `logits` [N,classes] and `probabilities` [N,classes].
void add_classifier(OnnxGraph& graph, const WideResNet& network, std::int64_t image_size,
                    OnnxType type);

// Adds a generator: inputs `content` and `scene`, output `hybrid`, which is clamped to the range of
// its elements.
void add_generator(OnnxGraph& graph, const Autoencoder& networks, OnnxType type);

}  // namespace scimix

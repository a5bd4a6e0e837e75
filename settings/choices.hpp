// The enumerations that settings can have, each with the names of its values.
#pragma once

#include "core/choice.hpp"
#include "kernels/image/strong_augment.hpp"
#include "kernels/optim/schedule.hpp"
#include "losses/reconstruction.hpp"
#include "models/discriminator.hpp"

namespace scimix {

// The method by which a classifier learns.
enum class Method { supervised, mean_teacher, fixmatch };
template <>
inline constexpr std::array<Named<Method>, 3> kChoiceNames<Method>{
    {{Method::supervised, "supervised"},
     {Method::mean_teacher, "mean-teacher"},
     {Method::fixmatch, "fixmatch"}}};

// Default settings of Mean Teacher: A from FixMatch's authors, B from the original publication
// (docs/method.md, section 5.2).
enum class MethodPreset { a, b };
template <>
inline constexpr std::array<Named<MethodPreset>, 2> kChoiceNames<MethodPreset>{
    {{MethodPreset::a, "A"}, {MethodPreset::b, "B"}}};

// The mixer that makes hybrids.
enum class MixerKind { none, scimix, mixup, cutmix, adain, fda };
template <>
inline constexpr std::array<Named<MixerKind>, 6> kChoiceNames<MixerKind>{
    {{MixerKind::none, "none"},
     {MixerKind::scimix, "scimix"},
     {MixerKind::mixup, "mixup"},
     {MixerKind::cutmix, "cutmix"},
     {MixerKind::adain, "adain"},
     {MixerKind::fda, "fda"}}};

// The loss of a classifier on hybrids (Sun et al. 2022, Table V; docs/method.md, section 5.5).
enum class HybridUse { contradict, consistency, pseudo, labeled };
template <>
inline constexpr std::array<Named<HybridUse>, 4> kChoiceNames<HybridUse>{
    {{HybridUse::contradict, "contradict"},
     {HybridUse::consistency, "consistency"},
     {HybridUse::pseudo, "pseudo"},
     {HybridUse::labeled, "labeled"}}};

// The source of a classifier's initial weights (Table III).
enum class InitFrom { scratch, generator };
template <>
inline constexpr std::array<Named<InitFrom>, 2> kChoiceNames<InitFrom>{
    {{InitFrom::scratch, "scratch"}, {InitFrom::generator, "generator"}}};

// The optimiser of a classifier.
enum class OptimizerKind { sgd, adam };
template <>
inline constexpr std::array<Named<OptimizerKind>, 2> kChoiceNames<OptimizerKind>{
    {{OptimizerKind::sgd, "sgd"}, {OptimizerKind::adam, "adam"}}};

template <>
inline constexpr std::array<Named<RampShape>, 2> kChoiceNames<RampShape>{
    {{RampShape::linear, "linear"}, {RampShape::sigmoid, "sigmoid"}}};

// The images over which batch norm computes batch statistics: all images of a step (joint), or each
// part of the batch separately (segments).
enum class NormStatistics { automatic, joint, segments };
template <>
inline constexpr std::array<Named<NormStatistics>, 3> kChoiceNames<NormStatistics>{
    {{NormStatistics::automatic, "auto"},
     {NormStatistics::joint, "joint"},
     {NormStatistics::segments, "segments"}}};

// The number formats of a run: see activation_type in settings.hpp.
enum class Precision { f32, tf32, bf16, f64 };
template <>
inline constexpr std::array<Named<Precision>, 4> kChoiceNames<Precision>{{{Precision::f32, "f32"},
                                                                          {Precision::tf32, "tf32"},
                                                                          {Precision::bf16, "bf16"},
                                                                          {Precision::f64, "f64"}}};

// Whether steps are recorded as graphs and replayed. Automatic: on GPUs.
enum class GraphMode { automatic, on, off };
template <>
inline constexpr std::array<Named<GraphMode>, 3> kChoiceNames<GraphMode>{
    {{GraphMode::automatic, "auto"}, {GraphMode::on, "on"}, {GraphMode::off, "off"}}};

// The test images of a run. Automatic: those of the data set, or a held-out share of a folder.
enum class TestSet { automatic, none };
template <>
inline constexpr std::array<Named<TestSet>, 2> kChoiceNames<TestSet>{
    {{TestSet::automatic, "auto"}, {TestSet::none, "none"}}};

// Whether images are mirrored at random. Automatic: unless mirroring would change the class.
enum class FlipMode { automatic, on, off };
template <>
inline constexpr std::array<Named<FlipMode>, 3> kChoiceNames<FlipMode>{
    {{FlipMode::automatic, "auto"}, {FlipMode::on, "on"}, {FlipMode::off, "off"}}};

// The scale of a run: full, or reduced sizes and lengths for a machine without a GPU.
enum class RunScale { full, cpu };
template <>
inline constexpr std::array<Named<RunScale>, 2> kChoiceNames<RunScale>{
    {{RunScale::full, "full"}, {RunScale::cpu, "cpu"}}};

// Variants of the generator's losses (Table IV; docs/method.md, section 4.7).
enum class Variant { full, no_hyb, basic_hyb, unfrozen, structural_zc };
template <>
inline constexpr std::array<Named<Variant>, 5> kChoiceNames<Variant>{
    {{Variant::full, "full"},
     {Variant::no_hyb, "no-hyb"},
     {Variant::basic_hyb, "basic-hyb"},
     {Variant::unfrozen, "unfrozen"},
     {Variant::structural_zc, "structural-zc"}}};

// Default weights of the generator's losses.
enum class WeightPreset { tuned, paper };
template <>
inline constexpr std::array<Named<WeightPreset>, 2> kChoiceNames<WeightPreset>{
    {{WeightPreset::tuned, "tuned"}, {WeightPreset::paper, "paper"}}};

// The loss L_S of the generator's classifier. Automatic: cross-entropy if all images are labelled,
// otherwise Mean Teacher.
enum class SemanticLoss { automatic, cross_entropy, mean_teacher, fixmatch };
template <>
inline constexpr std::array<Named<SemanticLoss>, 4> kChoiceNames<SemanticLoss>{
    {{SemanticLoss::automatic, "auto"},
     {SemanticLoss::cross_entropy, "cross-entropy"},
     {SemanticLoss::mean_teacher, "mean-teacher"},
     {SemanticLoss::fixmatch, "fixmatch"}}};

template <>
inline constexpr std::array<Named<ReconstructionNorm>, 3> kChoiceNames<ReconstructionNorm>{
    {{ReconstructionNorm::rms, "rms"},
     {ReconstructionNorm::mse, "mse"},
     {ReconstructionNorm::l1, "l1"}}};

template <>
inline constexpr std::array<Named<DiscriminatorArch>, 2> kChoiceNames<DiscriminatorArch>{
    {{DiscriminatorArch::orig, "orig"}, {DiscriminatorArch::resnet, "resnet"}}};

}  // namespace scimix

#!/usr/bin/env python3
"""Compares SciMix's training steps with PyTorch's: the numbers, the time, the memory.

  pip install torch numpy
  bench/compare_pytorch.py --bench build/cpu/bin/scimix_bench --prepare
  bench/compare_pytorch.py --bench build/cpu/bin/scimix_bench --markdown pytorch-cpu.md

Numbers. scimix_bench writes weights, a batch, logits and gradients; PyTorch computes the same from
that file. The logits must agree to a relative error of 1e-4 (of the largest magnitude), and so must
the gradients, over all parameters together, in a batch in which no activation lies so close to 0
that rounding decides the side of the leaky ReLU's kink on which it falls. Where one does, its slope
changes from 0.1 to 1, and two correct programs in f32 part by more than 1e-4: PyTorch's own two
memory layouts do. The script therefore measures, per batch size, PyTorch's NCHW against its NHWC as
well, and prints both; only the batches in which PyTorch agrees with itself are asserted. Generator and
discriminator are compared in f64, R1 and its gradients included.

Time, on a CPU (--suite cpu). WRN-28-2 supervised, Mean Teacher and FixMatch, a classifier with hybrids,
and the generator's step, small and full: in f32 and in bf16, PyTorch eager and through torch.compile,
channels_last, with fused optimisers and in-place activations, as a good user would. Both programs run
in turn, several rounds; the ratio is taken within each round. All of it ends after --minutes: each row
gets an equal part of what is left, and a mode that is not ready in its part is reported as such.
Compiling takes most of the time, and torch.compile keeps what it compiled (TORCHINDUCTOR_CACHE_DIR, by
default below the folder for temporary files). --prepare compiles everything and times nothing, so that
the run after it has its time for measuring; it needs no quiet machine.

Exits with 0 when the numbers agree.

On a GPU:

  bench/compare_pytorch.py --suite gpu --bench build/cuda/bin/scimix_bench [--dtype bf16|tf32|f32]

times the steps of `scimix_bench --suite gpu` and the same steps in PyTorch in turn, eager and through
torch.compile(mode="max-autotune"), which captures CUDA graphs (pytorch_steps.py says what each step
does). `--device cpu --tiny` goes through all of it without a GPU, with small batches and networks;
`--suite cpu --tiny` does so for the steps of the CPU.
"""
import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # no folder of compiled scripts among the sources
from contender import require_bench
from reference_file import load_safetensors

TOLERANCE = 1e-4


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bench", default="build/cpu/bin/scimix_bench", help="our program")
    parser.add_argument("--suite", choices=("cpu", "gpu"), default="cpu",
                        help="the training steps in sizes for a CPU, or in sizes that fill a GPU")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of timing")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--filter", default="", help="steps that match this regular expression alone")
    parser.add_argument("--dtype", choices=("bf16", "tf32", "f32"),
                        help="one type alone; default: f32 and bf16 (cpu), bf16 (gpu)")
    parser.add_argument("--modes", default="eager,compile",
                        help="of PyTorch: eager, compile, on a GPU also graph (compiled, the whole "
                             "step captured)")
    parser.add_argument("--tiny", action="store_true", help="small batches and networks: does it run?")
    parser.add_argument("--markdown", help="also write a page with the table to this file")
    parser.add_argument("--json", help="also write all figures to this file")
    cpu = parser.add_argument_group("of --suite cpu")
    cpu.add_argument("--minutes", type=float, default=19, help="time for all of it")
    cpu.add_argument("--prepare", action="store_true",
                     help="compile PyTorch's steps for a later run, and time nothing; each step may "
                          "take --minutes")
    cpu.add_argument("--skip-numbers", action="store_true", help="time only")
    gpu = parser.add_argument_group("of --suite gpu")
    gpu.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu")
    gpu.add_argument("--compile-mode", default="max-autotune")
    gpu.add_argument("--min-time", type=float, default=0.5, help="seconds for each measurement")
    return parser.parse_args()


def make_model():
    from pytorch_networks import WideResNet  # needs PyTorch
    return WideResNet()


def step_of(reference, torch, dtype, layout):
    """Logits and gradients of the reference file's step."""
    model = make_model()
    weights = {name[6:]: t for name, t in reference.items() if name.startswith("model.")}
    missing, unexpected = model.load_state_dict(weights, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        sys.exit(f"compare_pytorch.py: names differ: missing {missing}, unexpected {unexpected}")
    model = model.to(dtype).to(memory_format=layout)
    count = reference["labels"].numel()
    images = reference["images"].reshape(count, 32, 32, 3).permute(0, 3, 1, 2).to(dtype)
    logits = model(images.contiguous(memory_format=layout))[2]
    loss = torch.nn.functional.cross_entropy(logits, reference["labels"].long())
    loss.backward()
    gradients = {name: p.grad.double() for name, p in model.named_parameters()}
    return logits.detach().double(), gradients


def gradient_error(found, expected):
    """|found - expected| / |expected|, over all parameters together."""
    difference = sum(float((found[name] - expected[name]).square().sum()) for name in expected)
    norm = sum(float(expected[name].square().sum()) for name in expected)
    return (difference / norm) ** 0.5


def compare_numbers(arguments, torch):
    """Compares batch sizes from 2 up; returns figures, and whether what is asserted holds."""
    figures, asserted, good = [], 0, True
    for batch in (2, 4, 8, 32):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "reference.safetensors")
            subprocess.run([arguments.bench, "--device", "cpu", "--reference", path,
                            "--reference-batch", str(batch)], check=True)
            reference = load_safetensors(path, torch)
        ours = {name[9:]: t.double() for name, t in reference.items() if name.startswith("gradient.")}
        exact_logits, exact = step_of(reference, torch, torch.float64, torch.contiguous_format)
        _, nchw = step_of(reference, torch, torch.float32, torch.contiguous_format)
        theirs_logits, theirs = step_of(reference, torch, torch.float32, torch.channels_last)
        scale = float(exact_logits.abs().max())
        figure = {
            "batch": batch,
            "logits_vs_pytorch_f32": float((reference["logits"] - theirs_logits).abs().max()) / scale,
            "gradient_vs_pytorch_f32": gradient_error(ours, theirs),
            "gradient_vs_pytorch_f64": gradient_error(ours, exact),
            "pytorch_f32_vs_its_f64": gradient_error(theirs, exact),
            "pytorch_nchw_vs_nhwc": gradient_error(nchw, theirs),
        }
        calm = max(figure["pytorch_f32_vs_its_f64"], figure["pytorch_nchw_vs_nhwc"]) < TOLERANCE / 4
        figure["asserted"] = calm
        asserted += calm
        good = good and figure["logits_vs_pytorch_f32"] <= TOLERANCE
        good = good and (not calm or figure["gradient_vs_pytorch_f32"] <= TOLERANCE)
        figures.append(figure)
        print(f"batch {batch:2}: logits {figure['logits_vs_pytorch_f32']:.1e}, "
              f"gradients {figure['gradient_vs_pytorch_f32']:.1e} "
              f"(to f64: ours {figure['gradient_vs_pytorch_f64']:.1e}, "
              f"PyTorch's {figure['pytorch_f32_vs_its_f64']:.1e}; PyTorch NCHW to NHWC "
              f"{figure['pytorch_nchw_vs_nhwc']:.1e}){'' if calm else '  gradients not asserted'}",
              flush=True)
    if asserted == 0:
        print("no batch in which PyTorch agrees with itself: gradients were not compared")
        good = False
    return figures, good


def check_numbers(arguments, torch):
    """Whether both programs compute the same."""
    from compare_pytorch_suite import check_networks  # needs PyTorch
    _, good = compare_numbers(arguments, torch)
    if not check_networks(arguments):
        print("PyTorch's generator and discriminator DIFFER from ours")
        good = False
    print("the numbers agree" if good else "the numbers DIFFER", flush=True)
    return good


def compare_on_cpu(arguments, torch):
    from compare_pytorch_cpu import checked, compare_cpu  # needs PyTorch
    begin = time.monotonic()
    # As an error, so that the processes that were started end too.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    rows = checked(arguments)
    torch.set_num_threads(arguments.threads)
    print(f"PyTorch {torch.__version__}, {arguments.threads} threads", flush=True)
    good = arguments.prepare or arguments.skip_numbers or check_numbers(arguments, torch)
    compare_cpu(arguments, rows, begin)
    return 0 if good else 1


def main():
    arguments = parse_arguments()
    try:
        import torch
    except ImportError:
        sys.exit("compare_pytorch.py: no PyTorch here, expected `pip install torch numpy`")
    require_bench(arguments.bench)
    if arguments.suite == "gpu":
        from compare_pytorch_suite import compare_suite  # needs PyTorch
        return compare_suite(arguments)
    return compare_on_cpu(arguments, torch)


if __name__ == "__main__":
    sys.exit(main())

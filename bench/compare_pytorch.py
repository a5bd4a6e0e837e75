#!/usr/bin/env python3
"""Compares one WRN-28-2 training step with PyTorch's: the numbers, the time, the memory.

  pip install torch numpy
  bench/compare_pytorch.py --bench build/cpu/bin/scimix_bench

Numbers. scimix_bench writes weights, a batch, logits and gradients; PyTorch computes the same from
that file. The logits must agree to a relative error of 1e-4 (of the largest magnitude), and so must
the gradients, over all parameters together, in a batch in which no activation lies so close to 0
that rounding decides the side of the leaky ReLU's kink on which it falls. Where one does, its slope
changes from 0.1 to 1, and two correct programs in f32 part by more than 1e-4: PyTorch's own two
memory layouts do. The script therefore measures, per batch size, PyTorch's NCHW against its NHWC as
well, and prints both; only the batches in which PyTorch agrees with itself are asserted.

Time. Both programs run in turn, several rounds; the ratio is taken within each round. PyTorch runs
eager, channels_last, with its fused SGD, in-place activations and two threads, as a good user would.

Exits with 0 when the numbers agree.

On a GPU:

  bench/compare_pytorch.py --suite gpu --bench build/cuda/bin/scimix_bench [--dtype bf16|tf32|f32]

times the steps of `scimix_bench --suite gpu` and the same steps in PyTorch in turn, eager and through
torch.compile(mode="max-autotune"), which captures CUDA graphs (pytorch_steps.py says what each step
does). `--device cpu --tiny` goes through all of it without a GPU, with small batches and networks.
"""
import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True  # no folder of compiled scripts among the sources

TOLERANCE = 1e-4


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bench", default="build/cpu/bin/scimix_bench", help="our program")
    parser.add_argument("--suite", choices=("default", "gpu"), default="default",
                        help="gpu: the training steps in sizes that fill a GPU")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of timing; 0 for none")
    parser.add_argument("--batch", type=int, default=32, help="images per timed step")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json", help="also write all figures to this file")
    gpu = parser.add_argument_group("of --suite gpu")
    gpu.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu")
    gpu.add_argument("--dtype", choices=("bf16", "tf32", "f32"), default="bf16")
    gpu.add_argument("--modes", default="eager,compile",
                     help="of PyTorch: eager, compile, graph (compiled, the whole step captured)")
    gpu.add_argument("--compile-mode", default="max-autotune")
    gpu.add_argument("--filter", default="", help="steps that match this regular expression alone")
    gpu.add_argument("--min-time", type=float, default=0.5, help="seconds for each measurement")
    gpu.add_argument("--tiny", action="store_true", help="small batches and networks: does it run?")
    gpu.add_argument("--markdown", help="also write a page with the table to this file")
    # How this script calls itself, so that PyTorch's peak memory is that of a process of its own.
    parser.add_argument("--time-pytorch", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def load_safetensors(path, torch):
    """Name -> tensor; these types are all that a reference file holds."""
    dtypes = {"F64": torch.float64, "F32": torch.float32, "I32": torch.int32}
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(data[begin:end], dtype=dtypes[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


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


def peak_memory():
    """Of this process, in MB."""
    with open("/proc/self/status", encoding="utf-8") as status:
        for line in status:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return float("nan")


def time_pytorch(arguments, torch):
    """One process of PyTorch: milliseconds per step, and memory after the import and at its peak."""
    before = peak_memory()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    model = make_model().to(memory_format=torch.channels_last)
    kernels = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": kernels, "weight_decay": 5e-4}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=0.03, momentum=0.9, nesterov=True, fused=True)
    images = torch.rand(arguments.batch, 3, 32, 32) * 2 - 1
    images = images.to(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (arguments.batch,))

    def step():
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(model(images)[2], labels).backward()
        optimizer.step()

    for _ in range(3):
        step()
    times = []
    for _ in range(15):
        begin = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - begin))
    print(json.dumps({"ms": statistics.median(times), "after_import_mb": before,
                      "peak_mb": peak_memory()}))


def time_ours(arguments, folder):
    path = os.path.join(folder, "bench.json")
    command = [arguments.bench, "--device", "cpu", "--min-time", "2", "--json", path, "--filter",
               f"wrn-28-2 supervised: batch {arguments.batch}$"]
    environment = dict(os.environ, OMP_NUM_THREADS=str(arguments.threads))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def compare_times(arguments):
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(arguments.rounds):
            ours = time_ours(arguments, folder)
            step = ours["results"][0]
            command = [sys.executable, __file__, "--time-pytorch", "--batch", str(arguments.batch),
                       "--threads", str(arguments.threads)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            theirs = json.loads(output.splitlines()[-1])
            entry = {"ours_ms": 1e3 * step["median_s"], "pytorch_ms": theirs["ms"],
                     "ratio": theirs["ms"] / (1e3 * step["median_s"]),
                     "ours_peak_mb": step["peak_memory_bytes"] / 2**20,
                     "pytorch_after_import_mb": theirs["after_import_mb"],
                     "pytorch_peak_mb": theirs["peak_mb"]}
            rounds.append(entry)
            print(f"ours {entry['ours_ms']:.0f} ms, PyTorch {entry['pytorch_ms']:.0f} ms, ratio "
                  f"{entry['ratio']:.2f}; peak memory: ours {entry['ours_peak_mb']:.0f} MB, PyTorch "
                  f"{entry['pytorch_peak_mb']:.0f} MB ({entry['pytorch_after_import_mb']:.0f} MB of "
                  "it after the import)", flush=True)
    ratios = sorted(entry["ratio"] for entry in rounds)
    print(f"PyTorch's time over ours, median of {len(ratios)} rounds: "
          f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    return rounds


def main():
    arguments = parse_arguments()
    try:
        import torch
    except ImportError:
        sys.exit("compare_pytorch.py: no PyTorch here, expected `pip install torch numpy`")
    if arguments.time_pytorch:
        time_pytorch(arguments, torch)
        return 0
    if not os.access(arguments.bench, os.X_OK):
        sys.exit(f"compare_pytorch.py: {arguments.bench}: no such program; build it, or name it "
                 "with --bench")
    if arguments.suite == "gpu":
        from compare_pytorch_suite import compare_suite  # needs PyTorch
        return compare_suite(arguments)
    print(f"PyTorch {torch.__version__}, {arguments.threads} threads", flush=True)
    numbers, good = compare_numbers(arguments, torch)
    rounds = compare_times(arguments) if arguments.rounds > 0 else []
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"pytorch": torch.__version__, "numbers": numbers, "rounds": rounds}, file,
                      indent=1)
    print("the numbers agree" if good else "the numbers DIFFER")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

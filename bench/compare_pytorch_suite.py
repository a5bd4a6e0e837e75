"""`bench/compare_pytorch.py --suite gpu`: our training steps and PyTorch's, in turn on one device."""
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

import torch

import pytorch_steps as steps
from pytorch_networks import Discriminator, Fir, Generator
from reference_file import load_safetensors

LEAST_SAMPLES = 5
SAMPLE_STEPS = 16  # as kGpuCycle of bench/steps.cpp
NETWORK_TOLERANCE = 1e-9  # in f64


def fail(message):
    print(f"compare_pytorch.py: {message}", file=sys.stderr)
    sys.exit(2)


def cases(tiny):
    """Name and label of our step -> how to build PyTorch's, and its images per step."""
    make = {"supervised": steps.Supervised, "mean-teacher": steps.MeanTeacher,
            "fixmatch": steps.FixMatch}
    table = ([("supervised", 4), ("supervised", 16), ("supervised", 32), ("mean-teacher", 4),
              ("fixmatch", 2)] if tiny else
             [("supervised", 64), ("supervised", 256), ("supervised", 512), ("mean-teacher", 64),
              ("fixmatch", 64)])
    label = {"supervised": "batch {0}", "mean-teacher": "batch {0}+{0}", "fixmatch": "batch {0}+2x{1}"}
    network = "wrn-10-1" if tiny else "wrn-28-2"
    found = {}
    for method, batch in table:
        name = f"{network} {method}: " + label[method].format(batch, 7 * batch)
        found[name] = lambda settings, m=method, b=batch: make[m](settings, b)
    batch = 4 if tiny else 64
    found[f"scimix generator: batch {batch}, 32 px"] = lambda s, b=batch: steps.SciMix(s, b)
    return found


def settings_for(arguments, mode):
    narrow = {"depth": 10, "width": 1, "channels": 16, "most_channels": 16} if arguments.tiny else {}
    return steps.Settings(device=arguments.device, precision=arguments.dtype, mode=mode,
                          compile_mode=arguments.compile_mode, **narrow)


def relative(found, expected):
    return float((found - expected).norm() / expected.norm())


def relative_of_all(found, expected):
    """The error over the tensors of `expected` together. No gradient is a gradient of zeros."""
    def flat(side):
        return torch.cat([torch.zeros_like(t).flatten() if side[k] is None else side[k].flatten()
                          for k, t in expected.items()])
    return relative(flat(found), flat(expected))


def check_networks(arguments):
    """G and D that are timed against ours, in f64: outputs, gradients, and D's R1 and its gradients."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "reference.safetensors")
        subprocess.run([arguments.bench, "--gan-reference", path], check=True)
        reference = load_safetensors(path, torch)
    worst = 0.0
    for name, module in (("generator", Generator(7, 6, 10, style=9)),
                         ("orig", Discriminator(6, 10, size=24))):
        def part(kind, prefix=name):
            start = f"{prefix}.{kind}."
            return {k[len(start):]: t for k, t in reference.items() if k.startswith(start)}
        module.double().load_state_dict(part("parameter"))
        inputs = {k: t.requires_grad_() for k, t in part("input").items()}
        output = module(inputs["z_r"], inputs["style"]) if name == "generator" else module(
            inputs["image"])
        (output * reference[name + ".seed"]).sum().backward()
        found = {**{k: p.grad for k, p in module.named_parameters()},
                 **{k: t.grad for k, t in inputs.items()}}
        worst = max(worst, relative(output.detach(), reference[name + ".output"]))
        expected = part("gradient")
        worst = max(worst, relative_of_all(found, expected))
        if name == "generator":
            continue
        module.zero_grad()
        image = inputs["image"]
        (slope,) = torch.autograd.grad(module(image).sum(), image, create_graph=True)
        slope.square().sum().backward()
        expected = {k: t for k, t in part("penalty_gradient").items() if k != "image"}
        found = {k: p.grad for k, p in module.named_parameters()}
        worst = max(worst, relative_of_all(found, expected))
    fir, x = Fir().double(), torch.randn(2, 3, 9, 8, dtype=torch.float64)
    worst = max(worst, relative(fir.shifted(x, 4.0), fir.depthwise(x, 4.0)))
    print(f"PyTorch's G and D against ours in f64: relative error {worst:.1e}")
    return worst <= NETWORK_TOLERANCE


def wait(device):
    if device != "cpu":
        torch.cuda.synchronize()


class Theirs:
    """One of PyTorch's steps, ready to be timed."""

    def __init__(self, make, settings):
        self.device = settings.device
        self.step = steps.build(settings, make)
        self.number = 0
        self.sample(SAMPLE_STEPS)  # compiles, and lets libraries choose
        self.sample(SAMPLE_STEPS)

    def sample(self, count):
        wait(self.device)
        begin = time.perf_counter()
        for _ in range(count):
            self.step.run(self.number)
            self.number += 1
        wait(self.device)
        return (time.perf_counter() - begin) / count

    def measure(self, min_time):
        samples, total = [], 0.0
        while len(samples) < LEAST_SAMPLES or total < min_time:
            samples.append(self.sample(SAMPLE_STEPS))
            total += samples[-1] * SAMPLE_STEPS
        return 1e3 * statistics.median(samples)


def time_ours(arguments, names, folder):
    """Milliseconds by name, and all that scimix_bench wrote."""
    path = os.path.join(folder, "bench.json")
    # std::regex takes a backslash before punctuation, not before a space.
    pattern = "|".join(re.sub(r"([+.()\[\]])", r"\\\1", name) for name in names)
    suite = "gpu-tiny" if arguments.tiny else "gpu"
    command = [arguments.bench, "--suite", suite, "--device", arguments.device, "--dtype",
               arguments.dtype, "--min-time", str(arguments.min_time), "--json", path, "--filter",
               f"^({pattern})$"]
    environment = dict(os.environ, OMP_NUM_THREADS=str(arguments.threads))
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                           env=environment, check=False)
    if ended.returncode != 0:
        fail(f"{arguments.bench} ended with {ended.returncode}: {ended.stderr.strip()}")
    with open(path, encoding="utf-8") as file:
        written = json.load(file)
    times = {f"{r['name']}: {r['label']}": 1e3 * r["median_s"] for r in written["results"]}
    if set(times) != set(names):
        fail(f"{arguments.bench} timed {sorted(times)}, expected {sorted(names)}: is it up to date?")
    return times, written


def prepare_theirs(arguments, makers, modes):
    """(name, mode) -> step. What cannot run is said, and left out."""
    ready, failed = {}, {}
    for mode in modes:
        for name, make in makers.items():
            begin = time.perf_counter()
            try:
                ready[name, mode] = Theirs(make, settings_for(arguments, mode))
            except Exception as error:  # pylint: disable=broad-except
                lines = str(error).strip().splitlines()
                failed[name, mode] = f"{type(error).__name__}: {lines[0] if lines else ''}"[:200]
                print(f"{name}: PyTorch, {mode}: NOT MEASURED: {failed[name, mode]}", flush=True)
                continue
            print(f"{name}: PyTorch, {mode}: ready after {time.perf_counter() - begin:.0f} s",
                  flush=True)
    return ready, failed


def describe_pytorch(arguments):
    words = [f"PyTorch {torch.__version__}"]
    if arguments.device != "cpu":
        words += [torch.cuda.get_device_name(arguments.device), f"CUDA {torch.version.cuda}",
                  f"cuDNN {torch.backends.cudnn.version()}"]
    else:
        words.append(f"threads: {arguments.threads}")
    return ", ".join(words)


def spread(values, digits):
    """Median (least to greatest)."""
    return (f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to "
            f"{max(values):.{digits}f})")


def table(rounds, names, modes):
    """Rows of step, ours, and per mode PyTorch's time and its ratio to ours."""
    head = ["step", "ours, ms"]
    for mode in modes:
        head += [f"{mode}, ms", f"{mode} / ours"]
    rows = []
    for name in names:
        row = [name, spread([r["ours"][name] for r in rounds], 3)]
        for mode in modes:
            theirs = [r["theirs"][mode][name] for r in rounds if name in r["theirs"].get(mode, {})]
            if not theirs:
                row += ["not measured", "–"]
                continue
            ratios = [t / r["ours"][name] for t, r in zip(theirs, rounds)]
            row += [spread(theirs, 3), spread(ratios, 2)]
        rows.append(row)
    return head, rows


def as_markdown(head, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines) + "\n"


def describe_versions(ours):
    """The versions of SciMix and its libraries, from what scimix_bench says of itself."""
    return ", ".join(f"{name} {version}" for name, version in ours["versions"].items())


def page(arguments, ours, head, rows, failed):
    lines = ["# Training steps beside PyTorch's", "",
             f"Ours: {ours['device']}, {describe_versions(ours)}. {describe_pytorch(arguments)}. "
             f"{arguments.dtype}; "
             f"n = {arguments.rounds} rounds in turn, each the median of {LEAST_SAMPLES} or more "
             f"samples of {SAMPLE_STEPS} steps; median (least to greatest) over the rounds; the ratio is taken "
             "within a round. Ours augments its batch in the step, PyTorch's batch lies ready.", "",
             as_markdown(head, rows)]
    lines += [f"{name}, {mode}: not measured: {why}" for (name, mode), why in failed.items()]
    return "\n".join(lines)


def checked(arguments):
    """Modes and steps that were asked for."""
    modes = [mode for mode in arguments.modes.split(",") if mode]
    for mode in modes:
        if mode not in steps.MODES:
            fail(f"--modes {mode}: expected {', '.join(steps.MODES)}")
    if arguments.rounds < 1:
        fail(f"--rounds {arguments.rounds}: expected at least 1")
    on_gpu = arguments.device != "cpu"
    if on_gpu and not torch.cuda.is_available():
        fail(f"--device {arguments.device}: PyTorch sees no GPU, expected `--device cpu --tiny`")
    if not on_gpu and (arguments.dtype == "tf32" or "graph" in modes):
        fail("--device cpu: has neither tf32 nor CUDA graphs")
    try:
        pattern = re.compile(arguments.filter)
    except re.error:
        fail(f"--filter {arguments.filter}: expected a regular expression")
    makers = {name: make for name, make in cases(arguments.tiny).items() if pattern.search(name)}
    if not makers:
        fail(f"--filter {arguments.filter}: matches none of {', '.join(cases(arguments.tiny))}")
    return modes, makers


def compare_suite(arguments):
    arguments.dtype = arguments.dtype or "bf16"
    modes, makers = checked(arguments)
    torch.set_num_threads(arguments.threads)
    print(describe_pytorch(arguments), flush=True)
    good = check_networks(arguments)
    ready, failed = prepare_theirs(arguments, makers, modes)
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.rounds):
            ours, written = time_ours(arguments, list(makers), folder)
            theirs = {mode: {} for mode in modes}
            for (name, mode), step in ready.items():
                theirs[mode][name] = step.measure(arguments.min_time)
            rounds.append({"ours": ours, "theirs": theirs})
            print(f"round {number + 1} of {arguments.rounds} done", flush=True)
    head, rows = table(rounds, list(makers), modes)
    print("\n" + as_markdown(head, rows), end="")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"pytorch": describe_pytorch(arguments), "ours": written, "rounds": rounds,
                       "failed": {f"{name}, {mode}": why for (name, mode), why in failed.items()}},
                      file, indent=1)
    if arguments.markdown:
        with open(arguments.markdown, "w", encoding="utf-8") as file:
            file.write(page(arguments, written, head, rows, failed))
    if not good:
        print("PyTorch's networks DIFFER from ours")
    return 0 if good and not failed else 1

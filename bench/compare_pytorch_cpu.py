"""`bench/compare_pytorch.py --suite cpu`: our training steps and PyTorch's, in turn on a CPU."""
import dataclasses
import json
import os
import re
import shlex
import statistics
import sys
import time

from compare_pytorch_suite import as_markdown, describe_pytorch, describe_versions, fail, spread
from contender import Contender, Failed, TooSlow

PRECISIONS = ("f32", "bf16")
MODES = ("eager", "compile")
COMPILE_MODE = "default"  # max-autotune compiles for minutes, and hardly changes a step on a CPU
R1_EVERY = 16
MOST_CALLS = 20  # of one kind in a round
SAMPLE_SECONDS = 1.0  # of one program in a round, where time allows
# The part of a row's time, as far as it is left, that a PyTorch mode has for getting ready.
READY_SHARE = 0.5


@dataclasses.dataclass
class Row:
    """A training step of both programs."""
    name: str
    cases: dict  # kind of step -> name of the case of scimix_bench
    step: str  # class in pytorch_steps.py
    options: dict
    networks: dict = dataclasses.field(default_factory=dict)  # of pytorch_steps.Settings

    def mean_step(self, seconds):
        """Of a run's mix of steps; `seconds` by kind."""
        if len(seconds) == 1:
            return seconds[""]
        return (seconds[""] * (R1_EVERY - 1) + seconds["with R1"]) / R1_EVERY


def rows_of(tiny):
    """All steps, those that take little time first: what they leave over goes to the others."""
    batch = 2 if tiny else 32
    small = {"depth": 10, "width": 1, "channels": 32, "most_channels": 32}
    full = {"depth": 10, "width": 1, "channels": 16, "most_channels": 16} if tiny else {}
    network = "wrn-10-1" if tiny else "wrn-28-2"
    found = []

    def add(name, step, options, networks):
        found.append(Row(name, {"": name}, step, options, networks))

    def add_generator(label, options, networks):
        name = "scimix generator {}: " + label
        cases = {"": name.format("without R1"), "with R1": name.format("with R1")}
        found.append(Row(f"scimix generator: {label}", cases, "SciMix", options, networks))

    for size in (16, 32):
        add_generator(f"batch {batch}, {size} px, small",
                      {"batch": batch, "size": size, "few_labels": False}, small)
    narrow = {"depth": 10, "width": 1}
    for name, networks in {"wrn-10-1": narrow, network: full or {}}.items():
        add(f"{name} mean-teacher with hybrids: batch {batch}+{batch}", "WithHybrids",
            {"batch": batch}, networks)
    for b in (batch, 2 * batch):
        add(f"{network} supervised: batch {b}", "Supervised", {"batch": b}, full)
        add(f"{network} mean-teacher: batch {b}+{b}", "MeanTeacher", {"batch": b}, full)
        add(f"{network} fixmatch: batch {b}+2x{b}", "FixMatch", {"batch": b, "unlabeled": b}, full)
    add_generator(f"batch {batch}, 32 px", {"batch": batch}, full)
    return found


class Ours:
    """scimix_bench, with a process for each kind of step."""

    mode = "ours"

    def __init__(self, arguments, row, precision):
        self.precision = precision
        self.processes, self.facts = {}, {}
        for kind, case in row.cases.items():
            # std::regex takes a backslash before punctuation, not before a space.
            pattern = re.sub(r"([+.()\[\]])", r"\\\1", case)
            command = [arguments.bench, "--suite", "cpu-tiny" if arguments.tiny else "cpu",
                       "--device", "cpu", "--dtype", precision, "--in-turn", "--filter",
                       f"^{pattern}$"]
            self.processes[kind] = Contender(command, arguments.threads)

    def wait(self, limit):
        end = time.monotonic() + limit
        for process in self.processes.values():
            self.facts = process.answer(end - time.monotonic())

    def ask(self, kind, count, limit):
        return self.processes[kind].ask(str(count), limit)

    def peak_mb(self):
        return max(process.peak_mb() for process in self.processes.values())

    def stop(self):
        for process in self.processes.values():
            process.stop()


class Theirs:
    """PyTorch in one of its modes."""

    def __init__(self, arguments, row, precision, mode):
        self.precision, self.mode = precision, mode
        settings = {"device": "cpu", "precision": precision, "mode": mode,
                    "compile_mode": COMPILE_MODE, **row.networks}
        wanted = {"step": row.step, "options": row.options, "settings": settings,
                  "threads": arguments.threads}
        worker = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytorch_worker.py")
        self.process = Contender([sys.executable, worker, json.dumps(wanted)], arguments.threads)
        self.facts = {}

    def wait(self, limit):
        self.facts = self.process.answer(limit)

    def ask(self, kind, count, limit):
        return self.process.ask(f"{count} {kind}".strip(), limit)

    def peak_mb(self):
        return self.process.peak_mb()

    def stop(self):
        self.process.stop()


class Comparison:
    """One row: gets all programs ready, then measures them in turn."""

    def __init__(self, arguments, row, end):
        self.arguments, self.row, self.end = arguments, row, end
        self.ready = {}  # (precision, mode) -> program
        self.about = {}  # (precision, mode) -> seconds of each kind, after the first steps
        self.why_not = {}  # (precision, mode) -> why it was not measured
        self.rounds = []
        self.memory = {}
        self.after_import = {}  # MB of PyTorch's processes
        self.machine = {}

    def left(self):
        return self.end - time.monotonic()

    def get_ready(self):
        """What compiles comes last: when it takes all of its time, the other modes are ready."""
        wanted = [(precision, mode) for mode in ("ours", *self.arguments.modes)
                  for precision in self.arguments.precisions]
        if self.arguments.prepare:
            wanted = [key for key in wanted if key[1] == "compile"]
        for precision, mode in wanted:
            with_others = mode != "ours" and not self.arguments.prepare
            self.get_one_ready(precision, mode, self.left() * (READY_SHARE if with_others else 1))

    def get_one_ready(self, precision, mode, limit):
        begin = time.monotonic()
        end = begin + limit
        if mode == "ours":
            program = Ours(self.arguments, self.row, precision)
        else:
            program = Theirs(self.arguments, self.row, precision, mode)
        try:
            program.wait(limit)
            seconds = {}
            for kind in self.row.cases:
                for _ in range(2):  # the first compiles, allocates, records
                    (seconds[kind],) = program.ask(kind, 1, end - time.monotonic())
            self.ready[precision, mode] = program
        except (TooSlow, Failed) as error:
            why = str(error) or f"not ready after {limit:.0f} s"
            if mode == "ours":
                fail(f"{self.arguments.bench}: {self.row.name}: {why}: is it up to date?")
            self.why_not[precision, mode] = why
            return
        finally:  # also after Ctrl-C
            if (precision, mode) not in self.ready:
                program.stop()
        if mode == "ours":
            self.machine = program.facts
        self.about[precision, mode] = seconds
        if self.arguments.prepare:
            print(f"{self.row.name}: {precision}, {mode}: ready after "
                  f"{time.monotonic() - begin:.0f} s", flush=True)

    def round_seconds(self, key):
        """What one step of each kind takes at least."""
        return sum(self.about[key].values())

    def leave_out_slow(self):
        """Leaves out what does not fit; of each precision, PyTorch's faster mode is kept."""
        fair = self.left() / (self.arguments.rounds * max(len(self.ready), 1))
        for precision in self.arguments.precisions:
            keys = sorted((key for key in self.ready if key[0] == precision and key[1] != "ours"),
                          key=self.round_seconds)
            for key in keys[1:]:
                if self.round_seconds(key) > max(2 * fair, 0.5):
                    self.why_not[key] = (
                        f"{self.arguments.rounds} rounds do not fit; one step took about "
                        f"{1e3 * self.row.mean_step(self.about[key]):.0f} ms")
                    self.ready.pop(key).stop()

    def measure(self):
        """Rounds in turn, until the time of this row is over."""
        in_turn = sorted(self.ready.items(), key=lambda item: PRECISIONS.index(item[0][0]))
        share = 0.9 * self.left() / (self.arguments.rounds * max(len(self.ready), 1))
        for _ in range(self.arguments.rounds):
            begin = time.monotonic()
            found = {}
            for key, program in in_turn:
                seconds = {}
                for kind, about in self.about[key].items():
                    wanted = min(share, SAMPLE_SECONDS) / len(self.about[key])
                    count = max(1, min(MOST_CALLS, int(wanted / about)))
                    seconds[kind] = statistics.median(program.ask(kind, count, 600))
                found[key] = self.row.mean_step(seconds)
            self.rounds.append(found)
            if self.left() < time.monotonic() - begin and not self.arguments.tiny:
                break

    def run(self):
        try:
            self.get_ready()
            if not self.arguments.prepare:
                self.leave_out_slow()
                self.measure()
            self.memory = {key: program.peak_mb() for key, program in self.ready.items()}
            self.after_import = {key: program.facts["after_import_mb"]
                                 for key, program in self.ready.items() if key[1] != "ours"}
        finally:
            for program in self.ready.values():
                program.stop()

    def times(self, key):
        return [1e3 * found[key] for found in self.rounds]

    def cells(self, precision):
        """A line of the table."""
        modes = [mode for mode in self.arguments.modes if (precision, mode) in self.memory]
        digits = 1 if min(self.times((precision, "ours"))) < 1000 else 0
        row = [self.row.name, precision, str(len(self.rounds)),
               spread(self.times((precision, "ours")), digits)]
        for mode in self.arguments.modes:
            row.append(spread(self.times((precision, mode)), digits) if mode in modes
                       else "not measured")
        if not modes:
            return row + ["–", f"{self.memory[precision, 'ours']:.0f}", "–"]
        ratios = [min(found[precision, mode] for mode in modes) / found[precision, "ours"]
                  for found in self.rounds]
        fastest = min(modes, key=lambda mode: statistics.median(self.times((precision, mode))))
        peak, base = (side[precision, fastest] for side in (self.memory, self.after_import))
        return row + [spread(ratios, 2), f"{self.memory[precision, 'ours']:.0f}",
                      f"{peak:.0f} ({base:.0f})"]

    def notes(self):
        return [f"{self.row.name}: {precision}, {mode}: not measured: {why}"
                for (precision, mode), why in self.why_not.items()]

    def figures(self):
        """For the JSON file."""
        def named(values):
            return {f"{precision} {mode}": value for (precision, mode), value in values.items()}
        return {"name": self.row.name, "rounds_s": [named(found) for found in self.rounds],
                "peak_mb": named(self.memory), "after_import_mb": named(self.after_import),
                "not_measured": named(self.why_not)}


def head_of(arguments):
    return ["step", "type", "n", "SciMix, ms", *(f"PyTorch {mode}, ms" for mode in arguments.modes),
            "faster PyTorch / SciMix", "peak, MB: SciMix", "PyTorch (after import)"]


def processor():
    """Its name, and which of the extensions for matrix products it has."""
    name, flags = "unknown processor", set()
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            elif key.strip() == "flags":
                flags = set(value.split())
    known = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "AVX-512 bf16", "amx_bf16": "AMX"}
    has = [word for flag, word in known.items() if flag in flags]
    return f"{name}, {os.cpu_count()} cores ({', '.join(has) or 'none of AVX2, AVX-512, AMX'})"


def page(arguments, machine, lines, notes, minutes):
    text = ["# Training steps beside PyTorch's, on a CPU", "",
            f"{time.strftime('%Y-%m-%d')}, {processor()}; threads: {arguments.threads}. Load of the "
            f"machine over the last 15 minutes: {os.getloadavg()[2]:.1f}; on a quiet machine it is "
            f"at most the number of threads. SciMix: {describe_versions(machine)}. "
            f"{describe_pytorch(arguments)}. All of it took {minutes:.0f} minutes.", "",
            "```", "bench/compare_pytorch.py " + shlex.join(sys.argv[1:]), "```", "",
            "Both programs run in turn, each step in a process of its own that waits meanwhile. n: "
            "rounds; of each round, the median of its steps; cells: median of the rounds (least to "
            "greatest). The ratio is taken within a round, with the faster PyTorch mode of that "
            "round; above 1, SciMix is faster. A generator's step is the mean of 15 steps without "
            "R1 and one with it. Peak: of the whole process; in brackets, PyTorch's memory after "
            "`import torch`. SciMix also draws, augments and logs in its step; PyTorch's batch "
            "lies ready.", "", as_markdown(head_of(arguments), lines)]
    return "\n".join(text + [f"* {note}" for note in notes]) + ("\n" if notes else "")


def checked(arguments):
    """The rows, modes and precisions that were asked for."""
    arguments.device = "cpu"
    arguments.modes = [mode for mode in arguments.modes.split(",") if mode]
    for mode in arguments.modes:
        if mode not in MODES:
            fail(f"--modes {mode}: expected {' or '.join(MODES)}")
    arguments.precisions = list(PRECISIONS) if arguments.dtype is None else [arguments.dtype]
    if arguments.precisions == ["tf32"]:
        fail("--dtype tf32: only a GPU has it, expected f32 or bf16")
    if arguments.rounds < 1:
        fail(f"--rounds {arguments.rounds}: expected at least 1")
    if arguments.minutes <= 0:
        fail(f"--minutes {arguments.minutes}: expected more than 0")
    try:
        pattern = re.compile(arguments.filter)
    except re.error:
        fail(f"--filter {arguments.filter}: expected a regular expression")
    rows = [row for row in rows_of(arguments.tiny) if pattern.search(row.name)]
    if not rows:
        names = ", ".join(row.name for row in rows_of(arguments.tiny))
        fail(f"--filter {arguments.filter}: matches none of {names}")
    return rows


def write_results(arguments, done, lines, begin):
    """Written after each row: what is done is kept when a later row is interrupted."""
    notes = [note for comparison in done for note in comparison.notes()]
    minutes = (time.monotonic() - begin) / 60
    machine = done[-1].machine
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"processor": processor(), "pytorch": describe_pytorch(arguments),
                       "ours": machine, "rows": [c.figures() for c in done]}, file, indent=1)
    if arguments.markdown:
        with open(arguments.markdown, "w", encoding="utf-8") as file:
            file.write(page(arguments, machine, lines, notes, minutes))


def compare_cpu(arguments, rows, begin):
    """Measures row by row; `begin` is when the time of the whole comparison began."""
    end = begin + 60 * arguments.minutes
    done, lines = [], []
    if not arguments.prepare:
        print(as_markdown(head_of(arguments), []), end="", flush=True)
    for number, row in enumerate(rows):
        now = time.monotonic()
        # With --prepare, each may take the whole time.
        share = 60 * arguments.minutes if arguments.prepare else (end - now) / (len(rows) - number)
        comparison = Comparison(arguments, row, now + share)
        comparison.run()
        done.append(comparison)
        for note in comparison.notes():
            print(note, flush=True)
        if arguments.prepare:
            continue
        for precision in arguments.precisions:
            lines.append(comparison.cells(precision))
            print("| " + " | ".join(lines[-1]) + " |", flush=True)
        write_results(arguments, done, lines, begin)
    return done

#!/usr/bin/env python3
"""Lets tiny runs meet what ends or disturbs runs of days, and checks that nothing is lost.

  kills      SIGKILL at a random moment: before any call that changes a file, in the middle of a write, or
             after a random time. Of training (both kinds), of resumed training, and of mixing.
  full       from a random call on, the disk is full; then it has room again.
  read-only  the same with a file system that is read-only for a while.
  clock      the clock is set forward or back by up to thirty years in the middle of a run.
  owners     a second process wants the same run folder.
  memory     a limit on the address space.

After each, the run is resumed (or, where it had not begun, started again), and then
  * resuming begins at the newest checkpoint that was whole: no step is lost,
  * the last checkpoint has the bits of a run that nothing has disturbed,
  * metrics.jsonl has each step once, and there is a report,
  * no temporary file and no lock is left.
A program that is disturbed ends by itself with exit code 0 or 2, and in the second case with one line
that names the reason.

usage: scripts/torture.py [--kills N] [--faults N] [--seconds N] [--seed N] [--bin FOLDER]
  --kills    how many processes are killed (default 1000)
  --faults   how often the disk is full, and how often it is read-only (default 100 each)
  --seconds  ends after so long, with the figures until then (default: no limit)
  --seed     chooses moments (default: another one each time, which is printed)
  --bin      where the programs are (default build/cpu/bin)
Prints a table of what was disturbed at which moment. The exit code is 1 where anything was lost, unequal
or left behind.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TINY = ("--dataset digits --digits-train 40 --digits-test 20 --image-size 8 --crop-pad 1 --depth 10 --width 1 "
        "--batch 4 --device cpu --eval-every 3 --checkpoint-every 2 --log-every 1 --steps 6").split()
GENERATOR = "--guide-steps 0 --minibatch-std 2 --g-channels 4 --g-max-channels 4 --d-channels 4 --d-max-channels 4".split()
STEPS = 6


class Fault(Exception):
    """Something was lost, unequal, left behind, or badly said."""


def require(condition, what):
    if not condition:
        raise Fault(what)


class Subject:
    """A command that writes a folder, and what it writes when nothing disturbs it."""

    def __init__(self, name, program, arguments, seconds=0.0):
        self.name = name
        self.program = program
        self.arguments = arguments
        self.is_run = program == "scimix_train"
        self.seconds = seconds
        self.calls = {}  # the numbers of the calls that change files, by kind
        self.result = None

    def command(self, folder):
        return [*self.arguments, "--out", str(folder)]

    def resume(self, folder):
        if self.is_run and (folder / "config.toml").exists():
            return [self.arguments[0], "--resume", str(folder)]
        return self.command(folder)

    def read_result(self, folder):
        if self.is_run:
            return (folder / "checkpoints" / f"step-{STEPS:08}.safetensors").read_bytes()
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return [(str(path.relative_to(folder)), path.read_bytes()) for path in files]


def is_whole(path):
    """Whether a safetensors file has all its tensors."""
    data = path.read_bytes()
    if len(data) < 8:
        return False
    length = struct.unpack("<Q", data[:8])[0]
    if len(data) < 8 + length:
        return False
    header = json.loads(data[8 : 8 + length])
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    return len(data) == 8 + length + max(ends, default=0)


def newest_step(folder):
    """The step of the newest whole checkpoint, or 0."""
    steps = [0]
    for path in (folder / "checkpoints").glob("step-*.safetensors"):
        if is_whole(path):
            steps.append(int(path.name[5:13]))
    return max(steps)


class Torture:
    def __init__(self, bin_folder, work, seed):
        self.bin = bin_folder
        self.work = work
        self.random = random.Random(seed)
        self.shim = bin_folder / "libscimix_fault_shim.so"
        self.count = 0
        self.moments = collections.Counter()
        self.faults = []
        self.environment = {**os.environ, "OMP_NUM_THREADS": "1", "SCIMIX_CACHE_DIR": "off"}
        generator = work / "generator-0"
        mix = ["--generator", str(generator), "--content", "digits:test", "--scene", "digits:test", "--digits-test",
               "20", "--resize", "--device", "cpu"]
        self.subjects = [Subject("classifier", "scimix_train", ["classifier", *TINY]),
                         Subject("generator", "scimix_train", ["generator", *TINY, *GENERATOR]),
                         Subject("mixing", "scimix_mix", mix)]

    # --- running programs -------------------------------------------------------------------------

    def start(self, subject, arguments, shim=None, limit=None):
        environment = dict(self.environment)
        if shim is not None:
            environment.update(shim)
            environment["LD_PRELOAD"] = str(self.shim)
            environment["SCIMIX_FAULT_ROOT"] = str(self.work)
            environment["SCIMIX_FAULT_LOG"] = str(self.work) + ".log"
        before = None
        if limit is not None:
            before = lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        return subprocess.Popen([self.bin / subject.program, *arguments], env=environment, preexec_fn=before,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, subject, arguments, shim=None, limit=None):
        program = self.start(subject, arguments, shim, limit)
        try:
            out, error = program.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            program.kill()
            program.communicate()
            raise Fault("it hangs")
        return program.returncode, out, error

    def log(self):
        path = pathlib.Path(str(self.work) + ".log")
        text = path.read_text() if path.exists() else ""
        path.unlink(missing_ok=True)
        return text

    def new_folder(self, name="run"):
        self.count += 1
        return self.work / f"{name}-{self.count}"

    # --- checks -----------------------------------------------------------------------------------

    def measure(self):
        """Runs each subject once without disturbance."""
        for subject in self.subjects:
            folder = self.work / f"{subject.name}-0"
            began = time.monotonic()
            code, _, error = self.run(subject, subject.command(folder), {"SCIMIX_FAULT": "none"})
            subject.seconds = time.monotonic() - began
            require(code == 0, f"{subject.name}: exit code {code}: {error}")
            for line in self.log().splitlines():
                if line.startswith("call "):
                    subject.calls.setdefault(self.moment_of(line, folder), []).append(int(line.split()[1]))
            subject.result = subject.read_result(folder)
            calls = sum(len(numbers) for numbers in subject.calls.values())
            print(f"{subject.name}: {calls} calls that change files, of {len(subject.calls)} kinds, {subject.seconds:.2f} s")

    def moment_of(self, log, folder):
        found = re.search(r"^(?:fault|call) \d+ (\S+) (.*)", log, re.MULTILINE)
        if not found:
            return None
        call, path = found[1], pathlib.Path(found[2])
        name = re.sub(r"^\.(.*)\.\d+-\d+\.tmp$", r"\1", path.name)
        for part in path.parts:  # a folder that has not taken its name yet
            if re.match(r"^\..*\.\d+-\d+\.tmp$", part) and part != path.name:
                return f"{call} hybrids"
        if name.startswith("step-") and name.endswith(".safetensors"):
            return f"{call} checkpoint"
        if name.endswith(".png"):
            return f"{call} picture"
        if name.startswith("events."):
            return f"{call} events"
        if path == folder or folder not in path.parents:
            return f"{call} {'list of hybrids' if name.endswith('.tsv') else 'folder'}"
        return f"{call} {name}"

    def check_said(self, code, error):
        require(code in (0, 2), f"exit code {code}: {error.strip()[-300:]}")
        if code == 2:
            lines = [line for line in error.splitlines() if re.match(r"scimix_\w+: ", line)]
            require(len(lines) == 1, f"{len(lines)} lines of reasons: {error[-300:]}")

    def check_recovery(self, subject, folder):
        """Goes on, and checks that nothing was lost."""
        newest = newest_step(folder) if subject.is_run else 0
        is_new = not (folder / "config.toml").exists()
        code, out, error = self.run(subject, subject.resume(folder))
        if subject.name == "mixing" and code == 2 and "not empty" in error and folder.exists():
            code, out = 0, ""  # it had ended
        require(code == 0, f"going on: exit code {code}: {error.strip()[-300:]}")
        if subject.is_run and not is_new:
            begun = re.search(r"resumed after step (\d+)", out)
            require(begun and int(begun[1]) == newest, f"resumed after step {begun and begun[1]}, not {newest}")
        require(subject.read_result(folder) == subject.result, "the result is unequal")
        if subject.is_run:
            self.check_run(folder)
        left = [str(path) for path in self.work.rglob("*") if path.name.endswith(".tmp") or path.name == "lock"]
        require(not left, f"left behind: {left}")

    def check_run(self, folder):
        require((folder / "report.html").stat().st_size > 1000, "no report")
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        training = [line["step"] for line in lines if "learning_rate" in line]
        tests = [line["step"] for line in lines if "test_accuracy" in line]
        require(training == list(range(1, STEPS + 1)), f"steps in metrics.jsonl: {training}")
        require(tests == [3, 6], f"evaluations in metrics.jsonl: {tests}")

    def attempt(self, what, subject, action):
        """Runs one disturbance and what follows, and notes a fault. `action` returns its moment."""
        folder = self.new_folder()
        moment = "?"
        try:
            moment = action(folder)
            self.check_recovery(subject, folder)
        except Fault as fault:
            self.faults.append(f"{what} of {subject.name}, {moment}: {fault}")
            print("FAULT", self.faults[-1], flush=True)
        self.moments[(what, subject.name, moment)] += 1
        shutil.rmtree(folder, ignore_errors=True)
        for path in [*self.work.glob(".run-*"), *self.work.glob("run-*")]:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()

    # --- disturbances -----------------------------------------------------------------------------

    def disturb(self, subject, kind, folder, arguments, **more):
        """Disturbs a program at a random call of a random kind: most calls are writes of checkpoints."""
        at = self.random.choice(subject.calls[self.random.choice(sorted(subject.calls))])
        shim = {"SCIMIX_FAULT": kind, "SCIMIX_FAULT_AT": str(at), **more}
        code, _, error = self.run(subject, arguments, shim)
        moment = self.moment_of(self.log(), folder) or "after the end"
        return code, error, moment

    def kill_at_call(self, subject):
        def action(folder):
            kind = self.random.choice(["kill", "half"])
            code, error, moment = self.disturb(subject, kind, folder, subject.command(folder))
            require(code == -signal.SIGKILL or moment == "after the end", f"exit code {code}: {error}")
            if subject.is_run and self.random.random() < 0.3:  # and once more, while it resumes
                arguments = subject.resume(folder)
                _, _, again = self.disturb(subject, kind, folder, arguments)
                moment = "twice, at last " + again
            return moment

        self.attempt("kill", subject, action)

    def kill_at_time(self, subject):
        def action(folder):
            program = self.start(subject, subject.command(folder))
            time.sleep(self.random.uniform(0, 1.2 * subject.seconds))
            program.kill()
            program.communicate()
            if program.returncode == 0:
                return "after the end"
            if not folder.exists():
                return "at a time: before the folder"
            if subject.is_run and not (folder / "config.toml").exists():
                return "at a time: while the folder is made"
            return f"at a time: after step {newest_step(folder)}" if subject.is_run else "at a time: while hybrids are written"

        self.attempt("kill", subject, action)

    def no_room(self, subject, kind):
        def action(folder):
            code, error, moment = self.disturb(subject, kind, folder, subject.command(folder))
            self.check_said(code, error)
            if kind == "full":
                left = [str(path) for path in self.work.rglob("*.tmp")]
                require(not left, f"left behind at once: {left}")
            return moment

        self.attempt(kind, subject, action)

    def clock(self, subject):
        def action(folder):
            seconds = self.random.choice([-1, 1]) * self.random.choice([3600, 86400, 10**9])
            code, error, moment = self.disturb(subject, "clock", folder, subject.command(folder),
                                               SCIMIX_FAULT_CLOCK=str(seconds))
            require(code == 0, f"exit code {code}: {error}")
            return moment

        self.attempt("clock", subject, action)

    def owners(self, subject):
        def action(folder):
            program = self.start(subject, subject.command(folder))
            while not (folder / "config.toml").exists() and program.poll() is None:
                time.sleep(0.001)
            program.send_signal(signal.SIGSTOP)
            owned = (folder / "lock").exists()
            code, _, error = self.run(subject, subject.resume(folder))
            program.send_signal(signal.SIGCONT)
            _, first_error = program.communicate()
            require(program.returncode == 0, f"the first owner: exit code {program.returncode}: {first_error}")
            if owned:
                require(code == 2 and f"process {program.pid}" in error, f"the second owner: {code}, {error}")
            return "a second owner" if owned else "after the end"

        self.attempt("owners", subject, action)

    def memory(self, subject):
        def action(folder):
            limit = self.random.randint(256, 900) << 20
            code, _, error = self.run(subject, subject.command(folder), limit=limit)
            self.check_said(code, f"{limit >> 20} MB: {error}" if code not in (0, 2) else error)
            return "enough memory" if code == 0 else "too little memory"

        self.attempt("memory", subject, action)

    def all(self, kills, faults, seconds):
        """Runs the disturbances in random order, so that a run that is cut short has tried all kinds."""
        runs = self.subjects[:2]
        work = [self.kill_at_call] * (kills - kills // 3) + [self.kill_at_time] * (kills // 3)
        plan = [(action, self.random.choice(self.subjects)) for action in work]
        for kind in ("full", "read-only"):
            for _ in range(faults):
                plan.append((lambda subject, kind=kind: self.no_room(subject, kind), self.random.choice(self.subjects)))
        plan += [(self.clock, self.random.choice(runs)) for _ in range(faults // 2)]
        plan += [(self.owners, self.random.choice(runs)) for _ in range(faults // 5)]
        plan += [(self.memory, self.random.choice(self.subjects)) for _ in range(faults // 2)]
        self.random.shuffle(plan)
        began = time.monotonic()
        for done, (action, subject) in enumerate(plan, 1):
            if seconds and time.monotonic() - began > seconds:
                print(f"{len(plan) - done + 1} of {len(plan)} were left out for want of time")
                break
            action(subject)
            if done % 100 == 0:
                print(f"{done} of {len(plan)}, {len(self.faults)} faults, {time.monotonic() - began:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/cpu/bin")
    parser.add_argument("-h", "--help", action="store_true")
    options = parser.parse_args()
    if options.help:
        print(__doc__)
        return 0
    shim = options.bin / "libscimix_fault_shim.so"
    if not shim.exists():
        print(f"torture.py: there is no {shim}: build the tests first (scripts/test.sh)", file=sys.stderr)
        return 2
    print(f"seed {options.seed}")
    work = pathlib.Path(tempfile.mkdtemp(prefix="scimix-torture-")).resolve()
    try:
        torture = Torture(options.bin.resolve(), work, options.seed)
        torture.measure()
        torture.all(options.kills, options.faults, options.seconds)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"\n{'count':>6}  what       of          at")
    for (what, name, moment), count in sorted(torture.moments.items()):
        print(f"{count:6}  {what:10} {name:11} {moment}")
    totals = collections.Counter()
    for (what, _, _), count in torture.moments.items():
        totals[what] += count
    print("\n" + ", ".join(f"{count} {what}" for what, count in sorted(totals.items())))
    for fault in torture.faults:
        print("FAULT", fault)
    print(f"{len(torture.faults)} faults: work that was lost, unequal, left behind or badly said")
    return 1 if torture.faults else 0


if __name__ == "__main__":
    sys.exit(main())

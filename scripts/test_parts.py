#!/usr/bin/env python3
"""Runs the test program in several processes at once, each with a part of the tests.

usage: scripts/test_parts.py JOBS TEST_PROGRAM [TEST_OPTION...]

The output of a part is printed only if the part failed, in the order of the parts. The end of the output is that of one process: reasons of
skips, the slowest tests, the first failures of each test that failed, and the two closing lines
(tests/main.cpp). The exit code is 0 if no test failed.
"""

import collections
import concurrent.futures
import re
import subprocess
import sys

TESTS_PER_PART = 12  # few enough that no process waits long for another's last part
SLOWEST = 20
SLOWEST_HEAD = "the slowest tests: seconds, processor seconds, name"
SKIP = re.compile(r"skipped \((\d+)\): (.*)")
TIME = re.compile(r" *(\d+\.\d) +(\d+\.\d)  (.*)")
GPU_SKIPS = re.compile(r"(\d+) GPU checks skipped for want of a GPU")
COUNTS = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped")


def count_tests(command: list[str]) -> int:
    """Returns how many tests the options choose."""
    answer = subprocess.run([*command, "--count"], capture_output=True, text=True, check=False)
    found = re.search(r"unskipped test cases passing the current filters: (\d+)", answer.stdout)
    if found is None:
        sys.exit(f"test_parts.py: {' '.join(command)}: {answer.stdout}{answer.stderr}")
    return int(found[1])


class Summary:
    """The sums over all parts."""

    def __init__(self):
        self.skips = collections.Counter()
        self.switched_off = 0
        self.times = []
        self.failures = []
        self.gpu_skips = self.passed = self.failed = 0

    def add(self, lines: list[str], code: int, name: str) -> list[str]:
        """Adds the end of a part's output. Returns the lines before it."""
        own, counted, in_failures, skips = [], False, False, 0
        failed_before = self.failed
        for line in lines:
            if found := SKIP.fullmatch(line):
                self.skips[found[2]] += int(found[1])
                skips += int(found[1])
            elif line == SLOWEST_HEAD:
                continue
            elif found := TIME.fullmatch(line):
                self.times.append((float(found[1]), float(found[2]), found[3]))
            elif found := GPU_SKIPS.fullmatch(line):
                self.gpu_skips += int(found[1])
            elif found := COUNTS.fullmatch(line):
                counted = True
                self.passed += int(found[1])
                self.failed += int(found[2])
                # Each part counts all tests that are switched off.
                self.switched_off = int(found[3]) - skips
            elif line.startswith("failed: ") or (in_failures and line.startswith("    ")):
                in_failures = True
                self.failures.append(line)
            else:
                in_failures = False
                own.append(line)
        # It crashed, or, after its last line, a sanitizer found a leak.
        if not counted or (code != 0 and self.failed == failed_before):
            self.failed += 1
            when = "after" if counted else "before"
            self.failures.append(f"failed: {name} ended with exit code {code} {when} its last line; its output is above")
        return own

    def show(self):
        for reason, count in sorted(self.skips.items()):
            print(f"skipped ({count}): {reason}")
        print(SLOWEST_HEAD)
        for seconds, processor, name in sorted(self.times, reverse=True)[:SLOWEST]:
            print(f"{seconds:7.1f}{processor:7.1f}  {name}")
        for line in self.failures:
            print(line)
        print(f"{self.gpu_skips} GPU checks skipped for want of a GPU")
        skipped = sum(self.skips.values()) + self.switched_off
        print(f"{self.passed} passed, {self.failed} failed, {skipped} skipped", flush=True)


def main():
    if len(sys.argv) < 3 or not sys.argv[1].isdigit() or sys.argv[1] == "0":
        sys.exit(__doc__)
    jobs, command = int(sys.argv[1]), sys.argv[2:]
    count = count_tests(command)
    parts = [(first, min(first + TESTS_PER_PART - 1, count)) for first in range(1, count + 1, TESTS_PER_PART)]

    def run(part):
        options = [f"--first={part[0]}", f"--last={part[1]}"]
        return subprocess.run([*command, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)

    summary = Summary()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for part, ended in zip(parts, pool.map(run, parts)):
            lines = ended.stdout.decode(errors="replace").splitlines()
            own = summary.add(lines, ended.returncode, f"the part of tests {part[0]} to {part[1]}")
            if ended.returncode != 0:
                print("\n".join(own), flush=True)
    summary.show()
    sys.exit(1 if summary.failed else 0)


if __name__ == "__main__":
    main()

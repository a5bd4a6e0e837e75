#!/usr/bin/env python3
"""Says which lines and branches of the CUDA backend the tests on the emulated GPU have run.

usage: scripts/gpu_coverage.py BUILD_FOLDER [--missing] [--least PERCENT]

BUILD_FOLDER is a build of the preset `emulated` with -DSCIMIX_COVERAGE=ON, whose programs and tests have run. The
table has one row for each file that the CUDA backend is made of. Branches that only an exception takes and
branches of SCIMIX_..._CHECK are not counted: they are the failure paths of vendor calls, which
tests/test_emulated_errors.cpp takes one by one, and bugs. With --missing, the numbers of lines that did not run,
and of lines of which a branch was not taken, follow each file. With --least, the exit code is 1 if a smaller share
of all lines ran.
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def counted(path: str) -> bool:
    """Returns whether a file belongs to the CUDA backend."""
    if not path.startswith(("core/", "kernels/")):
        return False
    if path.startswith("kernels/launch/") or path.endswith(".cu"):
        return True
    return path.endswith(("_cuda.cpp", "_nccl.cpp", "_cudnn.cpp", "_cublas.cpp"))


def lines_of_checks(path: pathlib.Path) -> set[int]:
    """Returns the numbers of the lines of calls of SCIMIX_CHECK and SCIMIX_..._CHECK."""
    found = set()
    depth = 0
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        begin = re.search(r"\bSCIMIX_(\w+_)?CHECK\w*\(", line)
        if depth == 0 and begin is None:
            continue
        found.add(number)
        rest = line if depth > 0 else line[begin.start():]
        depth += rest.count("(") - rest.count(")")
    return found


def read(build: pathlib.Path):
    """Returns {file: {line: count}} and {file: {(line, branch): count}}, added up over all objects."""
    lines = collections.defaultdict(lambda: collections.defaultdict(int))
    branches = collections.defaultdict(lambda: collections.defaultdict(int))
    checks = {}
    for notes in sorted(build.rglob("*.gcno")):
        data = notes.with_suffix(".gcda")
        if not data.exists():
            print(f"never ran: {notes.relative_to(build)}", file=sys.stderr)
            continue
        done = subprocess.run(
            ["gcov", "--json-format", "--branch-probabilities", "--stdout", str(data)],
            capture_output=True, cwd=build, check=True)
        for text in done.stdout.decode().splitlines():
            for file in json.loads(text)["files"]:
                path = pathlib.Path(build, file["file"]).resolve()
                if not path.is_relative_to(ROOT) or not counted(str(path.relative_to(ROOT))):
                    continue
                name = str(path.relative_to(ROOT))
                if name not in checks:
                    checks[name] = lines_of_checks(path)
                for line in file["lines"]:
                    number = line["line_number"]
                    lines[name][number] += line["count"]
                    for i, branch in enumerate(line["branches"]):
                        if not branch["throw"] and number not in checks[name]:
                            branches[name][number, i] += branch["count"]
    return lines, branches


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Coverage of the CUDA backend on the emulated GPU")
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--missing", action="store_true")
    parser.add_argument("--least", type=float, default=0)
    options = parser.parse_args()
    lines, branches = read(options.build.resolve())
    if not lines:
        print(f"{options.build}: no counts; expected a build with -DSCIMIX_COVERAGE=ON whose tests have run",
              file=sys.stderr)
        return 2
    print("| file | lines run | of | % | branches taken | of |\n|---|---:|---:|---:|---:|---:|")
    ran = total = 0
    for name in sorted(lines):
        own = lines[name]
        hit = sum(count > 0 for count in own.values())
        taken = sum(count > 0 for count in branches[name].values())
        ran += hit
        total += len(own)
        print(f"| {name} | {hit} | {len(own)} | {100 * hit / len(own):.1f} | {taken} | {len(branches[name])} |")
        if options.missing and hit < len(own):
            print("  not run:", *sorted(line for line, count in own.items() if count == 0))
        if options.missing and taken < len(branches[name]):
            print("  branches not taken:", *sorted({line for (line, _), count in branches[name].items()
                                                    if count == 0 and own[line] > 0}))
    print(f"| all | {ran} | {total} | {100 * ran / total:.1f} | | |")
    return 1 if 100 * ran / total < options.least else 0


if __name__ == "__main__":
    sys.exit(main())

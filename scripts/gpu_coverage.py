#!/usr/bin/env python3
"""Says which lines and branches of the CUDA backend the tests on the emulated GPU have run.

usage: scripts/gpu_coverage.py BUILD_FOLDER [--missing] [--functions] [--least PERCENT]

BUILD_FOLDER is a build of the preset `emulated` with -DSCIMIX_COVERAGE=ON, whose programs and tests have run. The
table has one row for each file that the CUDA backend is made of. Branches that only an exception takes and
branches of SCIMIX_..._CHECK are not counted: they are the failure paths of vendor calls, which
tests/test_emulated_errors.cpp takes one by one, and bugs. With --missing, the numbers of lines that did not run,
and of lines of which a branch was not taken, follow each file. With --least, the exit code is 1 if a smaller share
of all lines ran.

The table adds up what all instantiations of a template did. So a line or a branch counts as soon as one of them has
run it, in f32 perhaps, while the kernel in bf16 has never run. With --functions, a list of the functions that never
ran follows the table, by file: line and name; and of a template, how many of its instantiations never ran, and
their template arguments. Names are short: without parameters, result types and the project's namespaces, and
`lambda2` is the second lambda of the function before it. A function is left out, and only counted at the end, if it
belongs to one in the list: a lambda inside that, or a template that is instantiated with such a lambda, as for_each is.
Limits: a function that the compiler has put into all its callers is in no list, or is listed because of a copy that
nobody calls; gcov leaves the longest names as the compiler encodes them; and names of operators with angle brackets,
such as operator<, may be cut.
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


def reports(build: pathlib.Path):
    """Yields what gcov says of each file of the backend in each object: the object, the file, gcov's JSON."""
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
                yield notes, str(path.relative_to(ROOT)), file


def read(build: pathlib.Path):
    """Returns three dictionaries, added up over all objects:

    {file: {line: count}}, {file: {(line, branch): count}} and {file: {(line, function, object): count}}. The object
    is that of a function of its own, which others may have by the same name, and None of one that objects share.
    """
    lines = collections.defaultdict(lambda: collections.defaultdict(int))
    branches = collections.defaultdict(lambda: collections.defaultdict(int))
    functions = collections.defaultdict(lambda: collections.defaultdict(int))
    checks = {}
    for notes, name, file in reports(build):
        if name not in checks:
            checks[name] = lines_of_checks(ROOT / name)
        for line in file["lines"]:
            number = line["line_number"]
            lines[name][number] += line["count"]
            for i, branch in enumerate(line["branches"]):
                if not branch["throw"] and number not in checks[name]:
                    branches[name][number, i] += branch["count"]
        for function in file["functions"]:
            full = function["demangled_name"]
            own = "(anonymous namespace)" in full or "_GLOBAL__N_" in full  # in the names that gcov leaves encoded
            owner = notes if own else None
            functions[name][function["start_line"], short_name(full), owner] += function["execution_count"]
    return lines, branches, functions


def short_name(name: str) -> str:
    """Returns a function's name without parameters, result type and the project's namespaces."""
    name = re.sub(r"\(anonymous namespace\)::|\bscimix::(cuda::|gpu_code::)?", "", name)
    name = name.replace("operator()", "call")
    # From the inside to the outside: lambdas, then lists of parameters.
    for pattern, short in ((r"\{lambda\([^{}]*\)#(\d+)\}", r"lambda\1"), (r"\([^()]*\)( const)?", "")):
        changed = True
        while changed:
            name, changed = re.subn(pattern, short, name)
    name = re.sub(r"(lambda\d+)::call", r"\1", name).replace("> >", ">>")
    depth = begin = 0
    for i, letter in enumerate(name):
        depth += (letter == "<") - (letter == ">")
        if letter == " " and depth == 0:
            begin = i + 1  # behind the result type
    return name[begin:]


def split_arguments(name: str) -> tuple[str, str]:
    """Returns a function's name without template arguments, and the arguments: f<1>::g<2> is f::g and <1><2>."""
    parts = ["", ""]
    depth = 0
    for letter in name:
        depth += letter == "<"
        parts[depth > 0] += letter
        depth -= letter == ">"
    return parts[0], parts[1]


def belongs(function: tuple, others: list[tuple]) -> bool:
    """Returns whether the name of a function contains that of another one of the same object."""
    _, name, owner = function
    for _, other, other_owner in others:
        if other != name and other in name and other_owner in (owner, None):
            if re.search(r"(?<![\w:])" + re.escape(other) + r"(?![\w<])", name):
                return True
    return False


def print_functions(functions) -> None:
    """Prints the functions that never ran, and how many instantiations of each template."""
    never = [key for of_file in functions.values() for key, count in of_file.items() if count == 0]
    left_out = 0
    print("\nFunctions that never ran:")
    for file in sorted(functions):
        instances = collections.Counter((line, split_arguments(name)[0]) for line, name, _ in functions[file])
        groups = collections.defaultdict(list)
        for key, count in functions[file].items():
            if count == 0 and belongs(key, never):
                left_out += 1
            elif count == 0:
                template, arguments = split_arguments(key[1])
                groups[key[0], template].append(arguments)
        if groups:
            print(file)
        for line, template in sorted(groups):
            arguments = sorted(groups[line, template])
            row = f"  {line} {template if len(template) <= 100 else template[:100] + '...'}"
            if any(arguments):
                row += f", {len(arguments)} of {instances[line, template]}:"
                row += "".join(("\n    " if sum(map(len, arguments)) > 100 else " ") + each for each in arguments)
            print(row)
    print(f"and {left_out} that belong to these")


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="Coverage of the CUDA backend on the emulated GPU")
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--missing", action="store_true")
    parser.add_argument("--functions", action="store_true")
    parser.add_argument("--least", type=float, default=0)
    options = parser.parse_args()
    lines, branches, functions = read(options.build.resolve())
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
    if options.functions:
        print_functions(functions)
    return 1 if 100 * ran / total < options.least else 0


if __name__ == "__main__":
    sys.exit(main())

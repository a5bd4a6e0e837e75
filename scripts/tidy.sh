#!/usr/bin/env bash
# Runs clang-tidy, with the checks of .clang-tidy, on the sources that the CPU build compiles, except the
# tests. Fails on any finding. It needs that build's folder, which scripts/test.sh makes.
#
# usage: scripts/tidy.sh [FILE...]     without FILE, all of these sources
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tidy=.deps/clang-tidy/data/bin/clang-tidy
[[ -x $tidy ]] || {
  echo "tidy.sh: $tidy is missing: run scripts/setup.sh --dev" >&2
  exit 1
}
commands=build/cpu/compile_commands.json
[[ -f $commands ]] || {
  echo "tidy.sh: $commands is missing: run scripts/test.sh first" >&2
  exit 1
}

files=("$@")
if ((${#files[@]} == 0)); then
  mapfile -t files < <(sed -n 's|^ *"file": "\(.*\)".*|\1|p' "$commands" | grep -v '/tests/' | sort -u)
fi

# The commands are those of g++. Its folder of headers is searched last, for omp.h alone. The warnings
# that are switched off are those of clang's compiler, which says nothing of the checks.
options=(-p build/cpu --quiet
  --extra-arg=-idirafter --extra-arg="$("${CXX:-g++}" -print-file-name=include)"
  --extra-arg=-Wno-everything)
if ! printf '%s\0' "${files[@]}" |
  xargs -0 -P "$(nproc)" -n 1 "$tidy" "${options[@]}" 2>build/tidy.log; then
  grep -v 'warnings generated' build/tidy.log >&2 || true
  exit 1
fi
echo "${#files[@]} files, no findings"

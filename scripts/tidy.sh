#!/usr/bin/env bash
# Runs clang-tidy, with the checks of .clang-tidy, on the sources that the CPU build compiles, except the
# tests. Fails on any finding. It needs that build's folder, which scripts/test.sh makes.
#
# usage: scripts/tidy.sh [FILE...]     without FILE, all of these sources
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v clang-tidy >/dev/null || {
  echo "tidy.sh: clang-tidy is not installed: run scripts/setup.sh --dev" >&2
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
printf '%s\0' "${files[@]}" |
  xargs -0 -P "$(nproc)" -n 1 clang-tidy -p build/cpu --quiet --extra-arg=-Wno-unknown-warning-option

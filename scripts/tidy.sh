#!/usr/bin/env bash
# Runs clang-tidy, with the checks of .clang-tidy, over the sources that the CPU build compiles (less
# the tests). Fails on any finding. Needs that build's folder: scripts/test.sh makes it.
#
# usage: scripts/tidy.sh [FILE...]     all of them, without FILE
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v clang-tidy >/dev/null || {
  echo "tidy.sh: no clang-tidy here: run scripts/setup.sh --dev" >&2
  exit 1
}
commands=build/cpu/compile_commands.json
[[ -f $commands ]] || {
  echo "tidy.sh: no $commands: run scripts/test.sh first" >&2
  exit 1
}

files=("$@")
if ((${#files[@]} == 0)); then
  mapfile -t files < <(sed -n 's|^ *"file": "\(.*\)".*|\1|p' "$commands" | grep -v '/tests/' | sort -u)
fi
printf '%s\0' "${files[@]}" |
  xargs -0 -P "$(nproc)" -n 1 clang-tidy -p build/cpu --quiet --extra-arg=-Wno-unknown-warning-option

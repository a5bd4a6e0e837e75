#!/usr/bin/env bash
# Builds the fuzzing programs with the address and undefined-behaviour sanitizers, runs them side by
# side, and prints how many inputs each has tried. It fails where one finds a fault: a crash, a leak, an
# input that takes longer than 10 seconds, or more memory than it should.
#
# usage: scripts/fuzz.sh [--seconds N] [--jobs N] [TARGET...]
#   --seconds  how long each target runs (default 60)
#   --jobs     how many run at a time (default: one for each core)
#   TARGET     a format: cifar10, exif, jpeg, labels, metrics, names, npy, png, safetensors, settings,
#              split, svhn (default: all)
#
# What a run learns is kept in build/fuzz/learned, where the next one goes on; an input that shows a
# fault is build/fuzz/faults/TARGET-*. Copy it to fuzz/corpus/TARGET/ when you have mended the fault.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=60
jobs=$(nproc)
targets=()
die() {
  echo "fuzz.sh: $*" >&2
  exit 2
}
while (($# > 0)); do
  case $1 in
    --seconds | --jobs)
      [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || die "$1 '${2:-}', expected a whole number above 0"
      if [[ $1 == --seconds ]]; then seconds=$2; else jobs=$2; fi
      shift
      ;;
    -*) die "unknown option '$1', expected --seconds, --jobs or a target" ;;
    *)
      [[ -f fuzz/fuzz_$1.cpp ]] || die "no target '$1', expected one of: $(basename -as .cpp fuzz/fuzz_*.cpp | sed 's/fuzz_//' | paste -sd ' ')"
      targets+=("$1")
      ;;
  esac
  shift
done
if ((${#targets[@]} == 0)); then
  mapfile -t targets < <(basename -as .cpp fuzz/fuzz_*.cpp | sed 's/^fuzz_//')
fi
compiler=${FUZZ_CXX:-clang++}
command -v "$compiler" >/dev/null || die "no $compiler here: scripts/setup.sh --dev installs it"

build=build/fuzz
cmake -S fuzz -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_COMPILER="$compiler" >/dev/null
cmake --build "$build" -- --quiet "${targets[@]/#/fuzz_}"
mkdir -p "$build"/{learned,faults,logs}
rm -rf "$build/seeds"
fuzz/make_corpus.py "$build/seeds" >/dev/null

run_target() { # TARGET: a line with its figures; all it says is in logs/TARGET.log
  local target=$1 status=0 inputs
  mkdir -p "$build/learned/$target" "fuzz/corpus/$target"
  UBSAN_OPTIONS=print_stacktrace=1 "$build/fuzz_$target" \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=64 -max_len=16384 \
    -print_final_stats=1 -artifact_prefix="$build/faults/$target-" \
    "$build/learned/$target" "$build/seeds/$target" "fuzz/corpus/$target" \
    >"$build/logs/$target.log" 2>&1 || status=$?
  inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/logs/$target.log")
  if ((status == 0)); then
    echo "ok      $target: ${inputs:-0} inputs"
  else
    grep -E -m 1 "^fuzz: |ERROR: |runtime error" "$build/logs/$target.log" || tail -n 3 "$build/logs/$target.log"
    echo "FAULT   $target: ${inputs:-0} inputs; see $build/logs/$target.log"
    return 1
  fi
}
export -f run_target
export build seconds

began=$SECONDS
if printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I {} bash -c 'run_target {}'; then
  echo "fuzz.sh: no faults in $((SECONDS - began)) s"
else
  echo "fuzz.sh: there are faults" >&2
  exit 1
fi

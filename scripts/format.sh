#!/usr/bin/env bash
# Formats the C++ and CUDA sources with clang-format.
#
# usage: scripts/format.sh [--check]
#   --check  changes no file; names the files that differ, and fails if there are any
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v clang-format >/dev/null || {
  echo "format.sh: clang-format is not installed: run scripts/setup.sh --dev" >&2
  exit 1
}

mode=(-i)
case ${1-} in
  "") ;;
  --check) mode=(--dry-run --Werror) ;;
  *)
    echo "format.sh: unknown option '$1', expected --check or nothing" >&2
    exit 2
    ;;
esac

find core kernels autograd cases models losses data settings report trainers tools bench exporter python emulated examples fuzz tests -type f \
  \( -name '*.cpp' -o -name '*.hpp' -o -name '*.cu' -o -name '*.cuh' \) -print0 |
  xargs -0 --no-run-if-empty -P "$(nproc)" -n 16 clang-format "${mode[@]}"

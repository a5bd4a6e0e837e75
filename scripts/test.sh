#!/usr/bin/env bash
# Configures, builds and runs the tests. The last line is `N passed, N failed, N skipped`.
#
# usage: scripts/test.sh [PRESET] [-DCMAKE_OPTION=VALUE]... [-- TEST_OPTION...]
#   PRESET       cpu (the default), cuda or asan; offline is for scripts/offline_build.sh
#   TEST_OPTION  for the test program, such as --test-case="*norm*"
#
# Tests on real images run where SCIMIX_TEST_DATA names a folder with CIFAR-10 and SVHN in it, and are
# counted as skipped elsewhere.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=cpu
options=()
while (($# > 0)); do
  case $1 in
    --)
      shift
      break
      ;;
    -D*) options+=("$1") ;;
    -*)
      echo "test.sh: unknown option '$1', expected a preset, -DOPTION=VALUE or --" >&2
      exit 2
      ;;
    *) preset=$1 ;;
  esac
  shift
done

for tool in cmake ninja "${CXX:-g++}"; do
  command -v "$tool" >/dev/null || {
    echo "test.sh: no $tool here: run scripts/setup.sh" >&2
    exit 1
  }
done

# Tests are made of tiny parallel loops, two programs at a time in some. Threads that spin for long while
# they wait would be in each other's way; threads that sleep at once wake later than the loops run.
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-1000}

cmake --preset "$preset" "${options[@]}"
cmake --build --preset "$preset" --parallel "$(nproc)"
exec "build/$preset/bin/scimix_tests" "$@"

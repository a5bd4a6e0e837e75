#!/usr/bin/env bash
# Configures, builds and runs the tests. The last line is `N passed, N failed, N skipped`.
#
# usage: tools/test.sh [PRESET] [-DCMAKE_OPTION=VALUE]... [-- TEST_OPTION...]
#   PRESET       cpu (the default), cuda or asan
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

for tool in cmake ninja g++; do
  command -v "$tool" >/dev/null || {
    echo "test.sh: no $tool here: run tools/setup.sh" >&2
    exit 1
  }
done

# Threads that spin while they wait stand in the way of whatever else runs on the machine: tests with
# two programs at a time would take minutes longer.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}

cmake --preset "$preset" "${options[@]}"
cmake --build --preset "$preset" --parallel "$(nproc)"
# Tests are made of tiny parallel loops, in which threads that spin while they wait are in each other's
# way on a busy machine.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
exec "build/$preset/bin/scimix_tests" "$@"

#!/usr/bin/env bash
# Configures, builds and runs the tests. The last line is `N passed, N failed, N skipped`, and before it
# stand the times of the slowest tests.
#
# usage: scripts/test.sh [PRESET] [--gpu] [--tier TIER,...] [--jobs N] [-DCMAKE_OPTION=VALUE]... [-- TEST_OPTION...]
#   PRESET       cpu (the default), cuda, emulated, asan or tsan; offline is for scripts/offline_build.sh
#   --tier       runs only the tests of these tiers; all of them run without it:
#                  fast   under two minutes on two cores, for the loop of editing and testing
#                  full   the tests that take longer, mostly because they train networks
#                  data   tests on real images
#                  ranks  tests that start several processes by mpirun
#   --jobs       runs the tests in so many processes at once, each with a part of them: as many as there are
#                cores if it is not given, but one for the presets cuda and tsan
#   --gpu        runs only the tests that need a GPU: for the presets cuda and emulated, beside another build
#                that runs all. With --tier fast it takes a few minutes on the emulated GPU
#   TEST_OPTION  for the test program, such as --test-case="*norm*"
#
# The tests of the tier data need a folder with CIFAR-10 and SVHN, named by SCIMIX_TEST_DATA. Without it
# they are counted as skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=cpu
options=()
tests=()
# The tests that need a GPU, or run on it too where there is one.
gpu_tests="emulated*,*: the GPU*,conv: f32 weight gradients*on the GPU"
gpu_tests+=",image operations: golden*,strong augmentation: weak*,strong augmentation: 96*"
gpu_tests+=",pseudo_labels and agreeing_rows are*"
gpu_tests+=",mixing:*"
gpu_tests+=",a steady step on the GPU*,ranks: NCCL*"
gpu=0
jobs=
choose_tiers() { # NAME,...
  local name='(fast|full|data|ranks)'
  [[ $1 =~ ^$name(,$name)*$ ]] || {
    echo "test.sh: --tier '$1', expected fast, full, data or ranks, with commas between" >&2
    exit 2
  }
  tests=("--tier=$1")
}
while (($# > 0)); do
  case $1 in
    --)
      shift
      break
      ;;
    --tier)
      choose_tiers "${2-}"
      shift
      ;;
    --gpu) gpu=1 ;;
    --tier=*) choose_tiers "${1#--tier=}" ;;
    --jobs)
      jobs=${2-}
      [[ $jobs =~ ^[1-9][0-9]*$ ]] || {
        echo "test.sh: --jobs '$jobs', expected a whole number from 1" >&2
        exit 2
      }
      shift
      ;;
    -D*) options+=("$1") ;;
    -*)
      echo "test.sh: unknown option '$1', expected a preset, --gpu, --tier TIER, --jobs N, -DOPTION=VALUE or --" >&2
      exit 2
      ;;
    *) preset=$1 ;;
  esac
  shift
done

for tool in cmake ninja "${CXX:-g++}"; do
  command -v "$tool" >/dev/null || {
    echo "test.sh: $tool is not installed: run scripts/setup.sh" >&2
    exit 1
  }
done

# GOMP_SPINCOUNT is how long OpenMP's threads spin before they sleep. The tests consist of tiny parallel
# loops, and some run two programs at once. Threads that spin for long take the cores from each other;
# threads that sleep at once take longer to wake than a loop takes to run.
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-1000}
# The same for clang's OpenMP, in milliseconds.
export KMP_BLOCKTIME=${KMP_BLOCKTIME:-0}

# The thread sanitizer sees no lock of a library that was built without it, so what such a library does is
# left out. Reports with a known reason are in scripts/tsan_suppressions.txt.
if [[ $preset == tsan ]]; then
  # Some tests fork a child that computes with threads of its own: for a full disk, for example.
  options_of_tsan="ignore_noninstrumented_modules=1 die_after_fork=0"
  export TSAN_OPTIONS="$options_of_tsan suppressions='$PWD/scripts/tsan_suppressions.txt' ${TSAN_OPTIONS-}"
fi

cmake --preset "$preset" -DSCIMIX_BUILD_TESTS=ON "${options[@]}"
cmake --build --preset "$preset" --parallel "$(nproc)"
if ((gpu)); then
  count() { "build/$preset/bin/scimix_tests" "--test-case=$gpu_tests" "$@" --count | awk '/unskipped/ { print $NF }'; }
  chosen=$(count ${tests[@]+"${tests[@]}"} "$@")
  echo "tests that need a GPU: $chosen of $(count) run here"
  tests+=("--test-case=$gpu_tests")
fi
if [[ -z $jobs ]]; then
  jobs=$(nproc)
  [[ $preset == cuda || $preset == tsan ]] && jobs=1 # one process uses all of a GPU, or of the memory
fi
program=("build/$preset/bin/scimix_tests" ${tests[@]+"${tests[@]}"} "$@")
if ((jobs > 1)); then
  exec scripts/test_parts.py "$jobs" "${program[@]}"
fi
exec "${program[@]}"

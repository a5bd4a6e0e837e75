#!/usr/bin/env bash
# Runs the checks that need a GPU, the most important ones first, so that a time limit cuts off the least important.
# It builds, runs the GPU tests, compute-sanitizer, graphs, NCCL, the benchmark tables and the comparison with
# PyTorch. docs/gpu-pending.md lists further checks. Each step has its own time limit, a log and a line in summary.txt.
# Ctrl-C ends the step that runs, and the next call begins with that step.
#
# usage: scripts/gpu_check.sh [--minutes N] [--preset PRESET] [--build FOLDER] [--out FOLDER]
#   --minutes N      stops after N minutes, in the middle of a step too; without it, all steps run. With less
#                    than an hour, cuDNN measures 4 plans of each convolution in place of 10
#   --preset PRESET  cuda (the default), or emulated: the same steps on the emulated GPU, as a trial
#   --build FOLDER   uses the programs in FOLDER/bin and builds nothing. An offline kit's build is
#                    build/offline; its mpirun is among the programs, and is used
#   --out FOLDER     results; runs/gpu-check without it. A step that a former call has finished there is not
#                    run again: remove its line from done.txt to repeat it
#
# After each step it writes the results so far: to docs/results/gpu-DEVICE.md, or to results.md in the folder
# of results if the GPU is emulated. The end of each failed step's log is in it. Exit code 1 if a step failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mistake() {
  echo "gpu_check.sh: $*" >&2
  exit 2
}

minutes=
preset=cuda
build=
out=runs/gpu-check
while (($# > 0)); do
  case $1 in
    --minutes | --preset | --build | --out)
      [[ -n ${2-} ]] || mistake "$1: no value"
      case $1 in
        --minutes) minutes=$2 ;;
        --preset) preset=$2 ;;
        --build) build=$2 ;;
        --out) out=$2 ;;
      esac
      shift
      ;;
    *) mistake "unknown option '$1', expected --minutes, --preset, --build or --out" ;;
  esac
  shift
done
[[ -z $minutes || $minutes =~ ^[0-9]+$ ]] || mistake "--minutes $minutes: expected a whole number"
[[ -z $minutes ]] || minutes=$((10#$minutes))
[[ $preset == cuda || $preset == emulated ]] || mistake "--preset $preset: expected cuda or emulated"
[[ -z $build || -x $build/bin/scimix_tests ]] ||
  mistake "--build $build: there is no $build/bin/scimix_tests, expected a folder such as build/offline"

mkdir -p "$out" 2>/dev/null || mistake "--out $out: cannot make this folder"
finished=$out/done.txt
summary=$out/summary.txt
touch "$finished" "$summary"
failed=0
running=
slowness=1
# The emulated GPU computes on the CPU, and the machine may be busy with other work.
[[ $preset == cuda ]] || slowness=4

# The plans that cuDNN's measurements chose are in the folder of results, so that each step and each later call
# finds them there.
export SCIMIX_CACHE_DIR=${SCIMIX_CACHE_DIR:-$(realpath "$out")/plans}
if [[ -n $minutes ]] && ((minutes < 60)); then
  export SCIMIX_PLAN_CANDIDATES=${SCIMIX_PLAN_CANDIDATES:-4}
fi

device=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1 | tr -c 'A-Za-z0-9\n' - || true)
gpus=$(nvidia-smi --list-gpus 2>/dev/null | grep -c '^GPU' || true)
if [[ $preset == emulated ]]; then
  device=
  gpus=${SCIMIX_EMULATED_GPUS:-4}
fi

write_page() {
  local page=$out/results.md table name
  [[ -z $device ]] || page=docs/results/gpu-$device.md
  {
    echo "# ${device:-The emulated GPU}"
    echo
    echo '```'
    cat "$out/machine.txt" "$summary"
    echo '```'
    for table in "$out"/bench-*.md "$out/pytorch.md"; do
      [[ ! -s $table ]] || { echo; cat "$table"; }
    done
    # The last lines of what failed, so that this page alone tells what happened.
    while read -r name; do
      printf '\n## Failed: %s\n\n```\n' "$name"
      tail -n 40 "$out/$name.log" 2>/dev/null | sed "s|$PWD|.|g" || true
      echo '```'
    done < <(sed -n 's/^FAILED *\([^ ]*\).*/\1/p' "$summary")
  } >"$page"
  echo "$page"
}

say() { # WHAT NAME [REST]: prints a line of the summary, in place of the one that a former call wrote
  local line
  line=$(printf '%-12s %s' "$1" "${*:2}")
  echo "$line"
  sed -i -E "/^.{13}$2( |\$)/d" "$summary"
  echo "$line" >>"$summary"
  [[ ! -e $out/machine.txt ]] || write_page >/dev/null
}

# A step runs in the background, because bash handles a signal only when the command in the foreground has ended.
# shellcheck disable=SC2317 # the trap calls this function
stop() {
  trap '' HUP INT TERM # a second signal must not end this before the step has ended
  if [[ -n $running ]]; then
    kill "$running" 2>/dev/null || true # `timeout` passes this on
    wait "$running" 2>/dev/null || true
  fi
  echo "stopped: the next call continues here"
  exit 130
}
trap stop HUP INT TERM

step() { # NAME LIMIT_IN_MINUTES COMMAND...: runs a step that no former call has finished
  local name=$1 limit=$(($2 * 60 * slowness)) began=$SECONDS status=0 cut=false
  shift 2
  if grep -qxF "$name" "$finished"; then
    echo "done before  $name"
    return
  fi
  if [[ -n $minutes ]] && ((SECONDS >= minutes * 60)); then
    say "no time left" "$name"
    return
  fi
  if [[ -n $minutes ]] && ((limit > minutes * 60 - SECONDS)); then
    limit=$((minutes * 60 - SECONDS))
    cut=true
  fi
  timeout -k 30 "$limit" "$@" >"$out/$name.log" 2>&1 </dev/null &
  running=$!
  wait "$running" 2>/dev/null || status=$? # without the line that bash writes about a killed program
  running=
  if ((status == 0)); then
    echo "$name" >>"$finished"
    say ok "$name" "($((SECONDS - began)) s)"
  elif ((status == 124 || status == 137)) && $cut; then # 137: it had to be killed
    say "no time left" "$name" "(stopped after $((SECONDS - began)) s)"
  elif ((status == 124 || status == 137)) && ((SECONDS - began >= limit)); then
    failed=1
    say FAILED "$name" "(it took longer than its limit of $limit s): $out/$name.log"
  else
    failed=1
    say FAILED "$name" "($((SECONDS - began)) s), exit code $status: $out/$name.log"
  fi
}

if [[ -z $build ]]; then
  build=build/$preset
  options=()
  [[ $preset == emulated ]] || options=(-DSCIMIX_CUDA_ARCHITECTURES=native)
  step configure 5 cmake --preset "$preset" "${options[@]}"
  step build 60 cmake --build --preset "$preset"
fi
bin=$build/bin
[[ -x $bin/scimix_tests ]] || {
  echo "gpu_check.sh: $bin/scimix_tests is not built, so no check can run: see $out/configure.log, $out/build.log" >&2
  exit 1
}
# The programs of an offline build must be started by the MPI that they were linked with.
[[ ! -x $bin/mpirun ]] || PATH=$(realpath "$bin"):$PATH

{
  date -u
  git rev-parse HEAD 2>/dev/null || true
  nvidia-smi 2>/dev/null || echo "no nvidia-smi"
  "$bin/scimix_train" --version 2>/dev/null || true
} >"$out/machine.txt"

tests=$bin/scimix_tests
train=$bin/scimix_train
bench=$bin/scimix_bench
tiny=(--dataset digits --digits-train 120 --digits-test 40 --image-size 16 --crop-pad 2 --depth 10 --width 1
  --labels 40 --batch 8)

# ---- is it right? -----------------------------------------------------------------------------------
step operators 10 "$tests" "--test-case=operators: the GPU*"
step convolutions 10 "$tests" "--test-case=conv*"
step steady-step 5 "$tests" "--test-case=a steady step on the GPU*"

# shellcheck disable=SC2317 # the steps below call these functions
run_tiny() { # NAME classifier|generator OPTION...: trains in the folder bits/NAME
  rm -rf "$out/bits/$1"
  "$train" "$2" "${tiny[@]}" --steps 24 --out "$out/bits/$1" "${@:3}"
}
# shellcheck disable=SC2317
run_ranks() { # NAME RANKS OPTION...: trains a classifier in the folder bits/NAME
  rm -rf "$out/bits/$1"
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -np "$2" \
    "$train" classifier "${tiny[@]}" --steps 24 --device cuda --out "$out/bits/$1" "${@:3}"
}
# shellcheck disable=SC2317
same_checkpoint() { # NAME OTHER
  cmp "$out/bits/"{"$1","$2"}/checkpoints/step-00000024.safetensors
}
# shellcheck disable=SC2317
same_in_graphs() { # classifier|generator OPTION...: a run eager and a run in graphs
  run_tiny graph-off "$@" --device cuda:0 --graph off
  run_tiny graph-on "$@" --device cuda:0 --graph on
  same_checkpoint graph-off graph-on
}
# shellcheck disable=SC2317
same_without_programmatic_launch() { # classifier|generator OPTION...: a run with early launches, and one without
  run_tiny launch-early "$@" --device cuda:0
  SCIMIX_PROGRAMMATIC_LAUNCH=0 run_tiny launch-late "$@" --device cuda:0
  same_checkpoint launch-early launch-late
}
# shellcheck disable=SC2317
same_by_nccl() { # a run without mpirun, and one of one rank by NCCL
  run_tiny nccl-none classifier --device cuda:0
  run_ranks nccl-1 1
  same_checkpoint nccl-none nccl-1
}
# shellcheck disable=SC2317
same_ranks_without_programmatic_launch() { # compares with the two-rank run of the step before
  SCIMIX_PROGRAMMATIC_LAUNCH=0 run_ranks nccl-late 2 --sync-norm true
  same_checkpoint nccl-2 nccl-late
}
export -f run_tiny run_ranks same_checkpoint same_in_graphs same_without_programmatic_launch same_by_nccl \
  same_ranks_without_programmatic_launch
export out train
# FUNCTION ARGUMENT...: calls it in a new bash process, in which a program can end in order when `timeout` stops it
call=(bash -c "trap : TERM; tiny=(${tiny[*]}); set -e; \"\$@\"" call)
fixmatch=(classifier --method fixmatch --unlabeled-batch 8)
step graphs-f32 5 "${call[@]}" same_in_graphs "${fixmatch[@]}"
step graphs-bf16 5 "${call[@]}" same_in_graphs "${fixmatch[@]}" --precision bf16
step programmatic-launch 5 "${call[@]}" same_without_programmatic_launch "${fixmatch[@]}" --precision bf16
step graphs-generator 5 "${call[@]}" same_in_graphs generator --g-channels 8 --g-max-channels 8 \
  --d-channels 8 --d-max-channels 8 --eval-pairs 20 --guide-steps 0
# These names are those of scripts/test.sh --gpu, except those of the emulated GPU itself, and further tests that use
# a GPU if there is one.
gpu_tests="*GPU*,image operations*,strong augmentation*,mixing:*,pseudo_labels*,ranks: NCCL*"
# On the emulated GPU, the tests that train networks (the tier "full") would take too long.
tiers=()
[[ $preset == cuda ]] || tiers=("--tier=fast,ranks")
step all-gpu-tests 30 "$tests" "${tiers[@]}" "--test-case=$gpu_tests" \
  "--test-case-exclude=operators: the GPU*,conv*,a steady step on the GPU*" # the steps above have run these

if command -v compute-sanitizer >/dev/null && [[ $preset == cuda ]]; then
  step memcheck 20 compute-sanitizer --error-exitcode 1 "$tests" "--test-case=operators: the GPU*"
  step racecheck 20 compute-sanitizer --tool racecheck --error-exitcode 1 "$tests" \
    "--test-case=operators: the GPU*"
else
  say "not there" compute-sanitizer
fi

if ! "$train" --version | grep '^libraries: .*MPI' >/dev/null; then
  say "not there" MPI, in this build
elif command -v mpirun >/dev/null; then
  step nccl-one-rank 5 "${call[@]}" same_by_nccl
  for ranks in 2 4 8; do
    ((ranks <= gpus)) || continue
    step "nccl-$ranks-ranks" 5 "${call[@]}" run_ranks "nccl-$ranks" "$ranks" --sync-norm true
    ((ranks > 2)) || step nccl-programmatic-launch 5 "${call[@]}" same_ranks_without_programmatic_launch
  done
else
  say "not there" mpirun
fi

# ---- is it fast? ------------------------------------------------------------------------------------
suite=(--suite gpu)
# On the emulated GPU, times mean nothing: a few operators and one training step show that the benchmark runs.
[[ $preset == cuda ]] ||
  suite=(--suite gpu-tiny --min-time 0.001
    --filter "16>32 1x1 @|norm: wrn 128|linear|cross_entropy|to RGB|G RGB up|supervised: batch 4$")
for dtype in bf16 tf32 f32; do
  step "bench-$dtype" 20 "$bench" "${suite[@]}" --device cuda:0 --dtype "$dtype" \
    --json "$out/bench-$dtype.json" --markdown "$out/bench-$dtype.md"
done
if python3 -c "import torch, sys; sys.exit(not torch.cuda.is_available())" 2>/dev/null; then
  step pytorch 60 python3 bench/compare_pytorch.py --suite gpu --bench "$bench" --markdown "$out/pytorch.md"
else
  say "not there" PyTorch with CUDA
fi

# ---- does it learn? ---------------------------------------------------------------------------------
if [[ $preset == cuda ]]; then
  step learn-classifier 20 "$train" classifier --config configs/digits.toml --device cuda:0 \
    --out "$out/classifier-$$"
  step learn-bf16 20 "$train" classifier --config configs/digits.toml --device cuda:0 --precision bf16 \
    --out "$out/classifier-bf16-$$"
  step learn-generator 40 "$train" generator --config configs/demo.toml --device cuda:0 --out "$out/generator-$$"
fi

echo "results: $(write_page)"
exit "$failed"

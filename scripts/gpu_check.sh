#!/usr/bin/env bash
# Everything that is to be known on the day that a GPU is there, in one command and in the order of what matters
# when the time runs out. It builds, runs every GPU check, compute-sanitizer, graphs, NCCL, the benchmark tables and
# the comparison with PyTorch. Each step has its own time limit, a log and a line in summary.txt.
#
# usage: scripts/gpu_check.sh [--minutes N] [--preset PRESET] [--build FOLDER] [--out FOLDER]
#   --minutes N      stops starting new steps after N minutes; without it, all steps run. With less than an
#                    hour, cuDNN measures 4 plans of each convolution in place of 10
#   --preset PRESET  cuda (the default), or emulated: the same steps on the emulated GPU, as a trial
#   --build FOLDER   uses the programs in FOLDER/bin, which an offline kit has built, and builds nothing
#   --out FOLDER     results; runs/gpu-check without it. A step that a former call has finished there is not
#                    run again: remove its line from done.txt to repeat it
#
# After each step it writes the results so far: to docs/results/gpu-DEVICE.md, or to results.md in the folder
# of results if the GPU is emulated. Exit code 1 if a step failed.
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
      (($# > 1)) || mistake "$1: no value"
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
[[ $preset == cuda || $preset == emulated ]] || mistake "--preset $preset: expected cuda or emulated"

mkdir -p "$out"
done=$out/done.txt
summary=$out/summary.txt
touch "$done" "$summary"
failed=0

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
  local page=$out/results.md table
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

step() { # NAME LIMIT_IN_MINUTES COMMAND...: runs a step that no former call has finished
  local name=$1 limit=$2 began=$SECONDS status=0 cut=false
  shift 2
  if grep -qxF "$name" "$done"; then
    echo "done before  $name"
    return
  fi
  if [[ -n $minutes ]] && ((SECONDS >= minutes * 60)); then
    say "no time left" "$name"
    return
  fi
  if [[ -n $minutes ]] && ((limit * 60 > minutes * 60 - SECONDS)); then
    limit=$(((minutes * 60 - SECONDS + 59) / 60))
    cut=true
  fi
  timeout -k 30 "${limit}m" "$@" >"$out/$name.log" 2>&1 </dev/null || status=$?
  if ((status == 0)); then
    echo "$name" >>"$done"
    say ok "$name" "($((SECONDS - began)) s)"
  elif ((status == 124 || status == 137)) && $cut; then # 137: it had to be killed
    say "no time left" "$name" "(stopped after $((SECONDS - began)) s)"
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
[[ -x $bin/scimix_tests ]] || mistake "$bin/scimix_tests: not built, see $out/build.log"

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

same_bits() { # OPTION...: a run eager and a run in graphs have the same checkpoint
  rm -rf "$out/bits"
  "$train" "$1" "${tiny[@]}" --steps 24 --device cuda:0 --graph off --out "$out/bits/off" "${@:2}"
  "$train" "$1" "${tiny[@]}" --steps 24 --device cuda:0 --graph on --out "$out/bits/on" "${@:2}"
  cmp "$out"/bits/{off,on}/checkpoints/step-00000024.safetensors
}
train_on_ranks() { # RANKS FOLDER OPTION...
  rm -rf "$2"
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -np "$1" \
    "$train" classifier "${tiny[@]}" --steps 24 --device cuda --sync-norm true --out "$2" "${@:3}"
}
same_bits_by_nccl() { # a run of one rank by NCCL and a run without mpirun have the same checkpoint
  rm -rf "$out/nccl-none"
  "$train" classifier "${tiny[@]}" --steps 24 --device cuda:0 --out "$out/nccl-none"
  train_on_ranks 1 "$out/nccl-1" --sync-norm false
  cmp "$out"/nccl-{none,1}/checkpoints/step-00000024.safetensors
}
export -f same_bits train_on_ranks same_bits_by_nccl
export out train
step graphs-f32 5 bash -c "tiny=(${tiny[*]}); set -e; same_bits classifier --method fixmatch"
step graphs-bf16 5 bash -c "tiny=(${tiny[*]}); set -e; same_bits classifier --method fixmatch --precision bf16"
step graphs-generator 5 bash -c \
  "tiny=(${tiny[*]}); set -e; same_bits generator --g-channels 8 --g-max-channels 8 --d-channels 8 \
   --d-max-channels 8 --eval-pairs 20"
step all-gpu-tests 30 "$tests" "--test-case=*GPU*,image operations*,strong augmentation*,mixing:*"

if command -v compute-sanitizer >/dev/null && [[ $preset == cuda ]]; then
  step memcheck 20 compute-sanitizer --error-exitcode 1 "$tests" "--test-case=operators: the GPU*"
  step racecheck 20 compute-sanitizer --tool racecheck --error-exitcode 1 "$tests" \
    "--test-case=operators: the GPU*"
else
  say "not there" compute-sanitizer
fi

if command -v mpirun >/dev/null; then
  step nccl-one-rank 5 bash -c "tiny=(${tiny[*]}); set -e; same_bits_by_nccl"
  for ranks in 2 4 8; do
    ((ranks <= gpus)) || continue
    step "nccl-$ranks-ranks" 5 bash -c "tiny=(${tiny[*]}); set -e; train_on_ranks $ranks '$out/nccl-$ranks'"
  done
else
  say "not there" mpirun
fi

# ---- is it fast? ------------------------------------------------------------------------------------
suite=gpu
[[ $preset == cuda ]] || suite=gpu-tiny
for dtype in bf16 tf32 f32; do
  step "bench-$dtype" 20 "$bench" --suite "$suite" --device cuda:0 --dtype "$dtype" \
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

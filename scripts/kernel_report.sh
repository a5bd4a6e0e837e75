#!/usr/bin/env bash
# Compiles the project's kernels for GPUs and says which of them spill: the assembler could not fit their
# variables into registers and keeps some in memory. Needs nvcc (CUDA 12.4 or newer), but no GPU. Fails if
# a kernel spills.
#
# usage: scripts/kernel_report.sh [--all] [--sass] [ARCH...]
#        scripts/kernel_report.sh [--all] --log FILE...
#        scripts/kernel_report.sh --sass-log FILE...
#   ARCH   80, 90, 100, ...; without ARCH, those of these three that nvcc knows
#   --all  lists every kernel, not only those with spills or more than 128 registers
#   --sass also reads the assembly, with cuobjdump (`pip install nvidia-cuda-cuobjdump nvidia-cuda-nvdisasm`): loads
#          in flight before the first store, accesses of local memory, the widths of global loads and stores, and
#          instructions for 16 bytes of memory
#   --log  compiles nothing; reads files with the output of nvcc -Xptxas -v
#   --sass-log  compiles nothing; reads files with the output of cuobjdump -sass
#
# A kernel with a stack frame but without spills has an array that is indexed at run time.
set -euo pipefail

mistake() {
  echo "kernel_report.sh: $*" >&2
  exit 2
}

all=0
sass=0
sass_logs=()
archs=()
logs=()
while (($# > 0)); do
  case $1 in
    --all) all=1 ;;
    --sass) sass=1 ;;
    --sass-log)
      shift
      (($# > 0)) || mistake "--sass-log: no file"
      sass_logs=("$@")
      break
      ;;
    --log)
      shift
      (($# > 0)) || mistake "--log: no file"
      logs=("$@")
      break
      ;;
    -*) mistake "unknown option '$1', expected --all, --log or an architecture such as 90" ;;
    *)
      [[ $1 =~ ^(sm_)?([0-9]+[af]?)$ ]] || mistake "architecture '$1', expected a number such as 90"
      archs+=("${BASH_REMATCH[2]}")
      ;;
  esac
  shift
done
for log in ${logs[@]+"${logs[@]}"} ${sass_logs[@]+"${sass_logs[@]}"}; do
  [[ -r $log ]] || mistake "$log: cannot be read"
done

# Reads logs. Prints a line "ARCH REGISTERS STACK STORES LOADS FILE KERNEL" per kernel, with tabs between.
kernels_of() { # FILE...
  awk '
    /Compiling entry function/ { split($0, quoted, "\x27"); entry = quoted[2]; arch = quoted[4] }
    /Function properties for/ { owner = $NF }
    /bytes stack frame/ && entry != "" {
      # The spills of a function that was not inlined count as those of the kernel that calls it.
      stack += $1; stores += $5; loads += $9
    }
    /Used [0-9]+ registers/ && entry != "" {
      for (i = 1; i < NF; ++i) if ($i == "Used") registers = $(i + 1)
      file = FILENAME
      sub(/^.*\//, "", file)
      sub(/\.log$/, "", file)
      printf "%s\t%d\t%d\t%d\t%d\t%s\t%s\n", arch, registers, stack, stores, loads, file, entry
      entry = ""; stack = 0; stores = 0; loads = 0
    }' "$@"
}

# Shortens a kernel's name to the function that launches it, without the templates and lambdas around it.
readable() {
  local demangle=cat
  if command -v cu++filt >/dev/null; then
    demangle=cu++filt
  elif command -v c++filt >/dev/null; then
    demangle=c++filt
  fi
  "$demangle" | sed -E -e 's/\(anonymous namespace\):://g' -e 's/scimix::(cuda::)?//g' \
    -e 's/^void //' -e 's/^detail::run_(each|block)<//' -e 's/\(.*//' -e 's/^(.{70}).+/\1.../'
}

# Prints a table of what sass_report.awk finds in files with the output of cuobjdump -sass.
report_sass() { # FILE...
  local awk_file
  awk_file=$(dirname "${BASH_SOURCE[0]}")/sass_report.awk
  awk -f "$awk_file" "$@" >"$scratch/sass"
  [[ -s $scratch/sass ]] || mistake "no kernel in $*: expected what cuobjdump -sass prints"
  paste <(cut -f 1-7 "$scratch/sass") <(cut -f 8 "$scratch/sass" | readable) | sort -t $'\t' -k 1,1V -k 8,8 |
    awk -F '\t' '
      BEGIN {
        row = "%-7s %12s %12s %6s %9s %9s %12s  %s\n"
        printf row, "GPU", "instructions", "loads before", "local", "load bits", "store bits", "per 16 bytes", "kernel"
      }
      {
        printf row, $1, $2, $3, $4, $5, $6, $7, $8
        ++count[$1]
        local_memory[$1] += $4 > 0
        narrow[$1] += $6 != 0 && $6 !~ /^128/ && $5 ~ /^128/
      }
      END {
        for (arch in count) {
          printf "%s: %d kernels, %d use local memory, %d load 128 bits at once and store less\n",
            arch, count[arch], local_memory[arch], narrow[arch]
        }
      }'
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if ((${#sass_logs[@]} > 0)); then
  report_sass "${sass_logs[@]}"
  exit
fi

if ((${#logs[@]} == 0)); then
  cd "$(dirname "${BASH_SOURCE[0]}")/.."
  nvcc=$(command -v nvcc || true)
  [[ -n $nvcc ]] || nvcc=${CUDA_HOME:-/usr/local/cuda}/bin/nvcc
  [[ -x $nvcc ]] || mistake "nvcc is neither on the PATH nor at $nvcc"
  ((!sass)) || command -v cuobjdump >/dev/null || mistake "--sass: cuobjdump is not on the PATH"
  known=" $("$nvcc" --list-gpu-arch | sed 's/compute_//' | tr '\n' ' ')"
  if ((${#archs[@]} == 0)); then
    for arch in 80 90 100; do
      [[ $known != *" $arch "* ]] || archs+=("$arch")
    done
  fi
  for arch in "${archs[@]}"; do
    [[ $known == *" ${arch%[af]} "* ]] || mistake "architecture $arch: this nvcc knows$known"
  done
  # The options are those of the CUDA build, without the compilation for the host.
  for arch in "${archs[@]}"; do
    mkdir -p "$scratch/sm_$arch"
    for source in kernels/*/*.cu; do
      log=$scratch/sm_$arch/$(basename "$source").log
      "$nvcc" -std=c++20 -O3 -DNDEBUG --extended-lambda --expt-relaxed-constexpr \
        -DSCIMIX_BACKEND=cuda -DSCIMIX_WITH_CUDA=1 -I. "-arch=sm_$arch" -Xptxas -v -cubin \
        -o "$log.cubin" "$source" >"$log" 2>&1 || {
        cat "$log" >&2
        echo "kernel_report.sh: $source does not compile for sm_$arch" >&2
        exit 1
      }
      logs+=("$log")
      if ((sass)); then
        cuobjdump -sass "$log.cubin" >"$log.sass"
        sass_logs+=("$log.sass")
      fi
    done
    echo "compiled $(ls kernels/*/*.cu | wc -l) files for sm_$arch" >&2
  done
fi

((${#sass_logs[@]} == 0)) || report_sass "${sass_logs[@]}"

kernels_of "${logs[@]}" >"$scratch/numbers"
[[ -s $scratch/numbers ]] || mistake "no kernel in ${logs[*]}: expected what nvcc -Xptxas -v prints"
cut -f 7 "$scratch/numbers" | readable >"$scratch/names"
paste <(cut -f 1-6 "$scratch/numbers") "$scratch/names" | sort -t $'\t' -k 1,1V -k 4,4nr -k 2,2nr |
  awk -F '\t' -v all="$all" '
    {
      if (!count[$1]++) order[++archs] = $1
      spills = $4 + $5 > 0
      spilling[$1] += spills
      total += spills
      if ($2 > most[$1]) most[$1] = $2
      if (!all && !spills && $2 <= 128) next
      row = "%-8s %9s %6s %7s %6s  %-18s %s\n"
      if (!rows++) printf row, "GPU", "registers", "stack", "stores", "loads", "source", "kernel"
      printf row, $1, $2, $3, $4, $5, $6, $7
    }
    END {
      for (i = 1; i <= archs; ++i) {
        arch = order[i]
        printf "%s: %d kernels, %d with spills, at most %d registers\n",
          arch, count[arch], spilling[arch], most[arch]
      }
      exit total > 0
    }'

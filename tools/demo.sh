#!/usr/bin/env bash
# Builds the program and trains it on digits that it draws itself: no download, no GPU.
# usage: tools/demo.sh [RUN_FOLDER]     (default runs/demo; an old demo there is replaced)
set -euo pipefail
cd "$(dirname "$0")/.."
run=${1:-runs/demo}

if [[ -e $run ]]; then
  # Only a folder that this script made is removed.
  [[ -e $run/made-by-demo ]] || {
    echo "demo.sh: $run exists and is not a demo of mine, expected another folder: tools/demo.sh DIR" >&2
    exit 2
  }
  rm -r "$run"
fi

# Threads that spin while they wait would slow down everything else on the machine.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}

tools/setup.sh
cmake --preset cpu -DSCIMIX_BUILD_TESTS=OFF -B build/demo >/dev/null
cmake --build build/demo --target scimix_train
build/demo/bin/scimix_train classifier --config configs/demo.toml --device cpu --out "$run"
touch "$run/made-by-demo"
echo "The run is in $run: metrics.jsonl, TensorBoard events, checkpoints. Chance would be 10%."

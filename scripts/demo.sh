#!/usr/bin/env bash
# Builds the programs, trains SciMix's generator on digits that it draws itself, and measures how well
# its hybrids keep the class of one parent and the scene of the other: no download, no GPU.
# usage: scripts/demo.sh [FOLDER]     (default runs/demo; an old demo there is replaced)
set -euo pipefail
cd "$(dirname "$0")/.."
demo=${1:-runs/demo}

if [[ -e $demo ]]; then
  # Only a folder that this script made is removed.
  [[ -e $demo/made-by-demo ]] || {
    echo "demo.sh: $demo exists and is not a demo of mine, expected another folder: scripts/demo.sh DIR" >&2
    exit 2
  }
  rm -r "$demo"
fi

# Threads that spin for long while they wait slow down everything else on the machine; threads that
# sleep at once take longer to wake than a small kernel runs.
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-10000}

scripts/setup.sh
cmake --preset cpu -DSCIMIX_BUILD_TESTS=OFF -B build/demo >/dev/null
cmake --build build/demo --target scimix_train scimix_mix scimix_eval
mkdir -p "$demo"
touch "$demo/made-by-demo"
bin=build/demo/bin
$bin/scimix_train generator --config configs/demo.toml --device cpu --out "$demo/generator"

# A table of test images: the class of each row in the scene of each column.
$bin/scimix_mix --generator "$demo/generator" --content digits:test --scene digits:test \
  --digits-test 10 --resize --pairing all --device cpu --out "$demo/hybrids.png"
# Judged by a classifier that is trained on all labels.
$bin/scimix_eval transfer --generator "$demo/generator" --oracle "$demo/oracle" --device cpu \
  --json "$demo/transfer.json"
echo "The hybrids are in $demo/hybrids.png: the class of the left column in the scene of the top row."

#!/usr/bin/env bash
# Builds the programs, trains SciMix's generator on digits of 32x32 pixels that it draws itself, and
# measures how well its hybrids keep the class of one parent and the scene of the other. It needs no GPU
# and no data; scripts/setup.sh, which it calls, installs missing packages.
#
# usage: scripts/demo.sh [--quick] [FOLDER]
#
# It takes the better part of an hour on two cores, and makes the picture of the README. With --quick the
# digits have 16x16 pixels, and it takes 5 to 10 minutes. FOLDER is runs/demo in the repository by
# default; an older demo there is replaced.
set -euo pipefail
config=configs/demo-32.toml
if [[ ${1:-} == --quick ]]; then
  config=configs/demo.toml
  shift
fi
if (($# > 1)) || [[ ${1:-} == -* ]]; then
  echo "demo.sh: $*: expected scripts/demo.sh [--quick] [FOLDER]" >&2
  exit 2
fi
demo=${1:-}
[[ -z $demo || $demo == /* ]] || demo=$PWD/$demo
cd "$(dirname "$0")/.."
demo=${demo:-runs/demo}

if [[ -e $demo ]]; then
  # This script removes only folders that it made itself.
  [[ -e $demo/made-by-demo ]] || {
    echo "demo.sh: $demo exists and was not made by this script, expected another folder: scripts/demo.sh FOLDER" >&2
    exit 2
  }
  rm -r "$demo"
fi

scripts/setup.sh
cmake --preset cpu -DSCIMIX_BUILD_TESTS=OFF -DCMAKE_UNITY_BUILD=ON -B build/demo >/dev/null
cmake --build build/demo --target scimix_train scimix_mix scimix_eval
mkdir -p "$demo"
touch "$demo/made-by-demo"
bin=build/demo/bin
$bin/scimix_train generator --config "$config" --device cpu --out "$demo/generator"

# Draws a table of hybrids of test images: each row has a class, each column has a scene.
$bin/scimix_mix --generator "$demo/generator" --content digits:test --scene digits:test \
  --digits-test 10 --resize --pairing all --device cpu --out "$demo/hybrids.png"
# Has the hybrids judged by a classifier that is trained on all labels.
$bin/scimix_eval transfer --generator "$demo/generator" --oracle "$demo/oracle" --device cpu \
  --json "$demo/transfer.json"
echo "The hybrids are in $demo/hybrids.png: the class of the left column in the scene of the top row."

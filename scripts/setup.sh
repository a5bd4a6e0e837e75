#!/usr/bin/env bash
# Installs what is missing of the tools and libraries that SciMix is built and tested with. It can be run
# again at any time. It needs no GPU. Without a CUDA toolkit the project builds for the CPU.
#
# usage: scripts/setup.sh [--check] [--dev] [--cuda]
#   --check  installs nothing; says what is missing, and fails if anything is
#   --dev    also installs what contributors need: ccache, clang-format, clang-tidy, clang with
#            libFuzzer, Pillow (for a test), Boost.Context (for the emulated GPU), and what the
#            Python package is tested with
#   --cuda   also fetches cudnn-frontend, which a CUDA build needs, even if no CUDA toolkit is found yet,
#            and says how to get the rest
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# NAME is a Debian package. NAME=COMMAND is needed only if the command is missing. NAME|OTHER is needed only
# if neither package is installed.
packages=(
  g++=g++ cmake=cmake ninja-build=ninja
  libdnnl-dev "libopenblas-dev|libopenblas-openmp-dev" libmatio-dev zlib1g-dev libpng-dev
  "libjpeg-dev|libjpeg62-turbo-dev|libjpeg-turbo8-dev"
  nlohmann-json3-dev libfmt-dev libcli11-dev libtomlplusplus-dev libopenmpi-dev openmpi-bin=mpirun
  doctest-dev
  libonnx-dev libprotobuf-dev # for scimix_export
)
dev_packages=(
  ccache=ccache clang-format=clang-format python3-pil
  clang=clang++ "libclang-rt-dev|libclang-rt-14-dev" "libomp-dev|libomp-14-dev" # for the sanitizers and scripts/fuzz.sh
  libboost-context-dev # for the emulated GPU
  python3-venv python3-dev # for scripts/test_package.sh
)

cmake_least=3.24

# Packages from PyPI: folder in .deps/, name, version, path inside the package, and the hashes for x86_64
# and aarch64.
frontend=(cudnn-frontend nvidia-cudnn-frontend 1.18.0 include # the last version that needs no NVRTC
  382ea063b92cbfd5b442cb75ff8422932d78276aecf139e46713ed1ad3d07af4
  f6d4d0b88d617b233a503c84980b54d840b60b2734497d1a7a071ec5293daec2)
# Debian's clang-tidy also checks every system header, and so takes three times as long.
tidy=(clang-tidy clang-tidy 23.1.4 clang_tidy/data
  6bb31e4f319ecbe14acb75f23c3050d0f1d4b1d92ea1c66091bc76e4eac2c1ac
  87596cd77dedfdea23ced1d13e57e869dcaee99745bfe942796196da3c197671)

check=false
cuda=false
dev=false
for argument in "$@"; do
  case $argument in
    --check) check=true ;;
    --dev)
      dev=true
      packages+=("${dev_packages[@]}")
      ;;
    --cuda) cuda=true ;;
    *)
      echo "setup.sh: unknown option '$argument', expected --check, --dev or --cuda" >&2
      exit 2
      ;;
  esac
done

die() {
  echo "setup.sh: $*" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

installed() { # PACKAGE
  [[ $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null) == "install ok installed" ]]
}

present() { # an entry of `packages`
  local names=${1%%=*} name
  if [[ $1 == *=* ]]; then
    command -v "${1#*=}" >/dev/null
    return
  fi
  for name in ${names//|/ }; do
    installed "$name" && return
  done
  return 1
}

install_packages() { # PACKAGE...
  command -v apt-get >/dev/null ||
    die "apt-get is not installed: install the packages of your system for $*"
  [[ $(id -u) == 0 ]] ||
    die "not root: run \`sudo apt-get update && sudo apt-get install -y $*\`, then this again"
  local install=(apt-get install -y -q --no-install-recommends "$@")
  export DEBIAN_FRONTEND=noninteractive
  echo "installing: $*"
  # The package lists may be missing or old. They are fetched only if the installation fails without.
  if ! "${install[@]}" >"$work/apt.log" 2>&1; then
    { apt-get update -q && "${install[@]}"; } >"$work/apt.log" 2>&1 ||
      die "apt-get failed; is there a network? Once it works, run this again" \
        "($(grep -m 1 '^E:' "$work/apt.log"))"
  fi
}

missing=()
for entry in "${packages[@]}"; do
  if ! present "$entry"; then
    name=${entry%%=*}
    missing+=("${name%%|*}")
  fi
done

# --- packages from PyPI ---------------------------------------------------------------------------
nvcc=$(PATH=$PATH:/usr/local/cuda/bin:/opt/cuda/bin command -v nvcc || true)
[[ -n ${CUDACXX:-} ]] && nvcc=$CUDACXX
wheels=() # names of the arrays above that are wanted and missing
wants() { # ARRAY
  local -n wheel=$1
  [[ $(cat ".deps/${wheel[0]}/VERSION" 2>/dev/null) == "${wheel[2]}" ]] || wheels+=("$1")
}
if $cuda || [[ -n $nvcc ]]; then wants frontend; fi
if $dev; then wants tidy; fi
if ((${#wheels[@]} > 0)) && ! python3 -m pip --version >/dev/null 2>&1; then
  missing+=(python3-pip)
fi

if $check; then
  ((${#missing[@]} == 0)) || echo "missing packages: ${missing[*]}"
  ((${#wheels[@]} == 0)) || echo "missing packages of PyPI: ${wheels[*]}"
  ((${#missing[@]} + ${#wheels[@]} == 0)) ||
    die "run scripts/setup.sh to install what is missing"
else
  ((${#missing[@]} == 0)) || install_packages "${missing[@]}"
fi

cmake_version=$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')
if [[ $(printf '%s\n' "$cmake_least" "$cmake_version" | sort -V | head -n 1) != "$cmake_least" ]]; then
  die "cmake is version $cmake_version, $cmake_least or newer is needed: \`pip install cmake\` has one"
fi

fetch_wheel() { # ARRAY: unpacks a package into .deps/
  local -n wheel=$1
  local folder=${wheel[0]} name=${wheel[1]} version=${wheel[2]} inside=${wheel[3]} hash
  local requirement="$name==$version"
  for hash in "${wheel[@]:4}"; do
    requirement+=" --hash=sha256:$hash"
  done
  echo "fetching: $name $version"
  rm -rf "$work/wheel" "$work/unpacked" "$work/new"
  echo "$requirement" >"$work/requirements.txt"
  # The files that are unpacked are the same in every wheel, whichever Python version the wheel is for.
  python3 -m pip download -q --disable-pip-version-check --require-hashes --no-deps \
    --only-binary=:all: --python-version 3.11 --implementation cp --abi cp311 \
    --platform "manylinux_2_28_$(uname -m)" -d "$work/wheel" -r "$work/requirements.txt" \
    >"$work/pip.log" 2>&1 ||
    die "cannot fetch $name $version; is there a network? ($(tail -n 1 "$work/pip.log"))"
  python3 -m zipfile -e "$work"/wheel/*.whl "$work/unpacked"
  mkdir -p "$work/new" .deps
  mv "$work/unpacked/$inside" "$work/new/"
  cp "$work"/unpacked/*.dist-info/licenses/* "$work/new/" 2>/dev/null || true
  chmod -R u+rwX,go+rX "$work/new"
  [[ ! -d $work/new/data/bin ]] || chmod a+x "$work"/new/data/bin/*
  # .deps/ may be on another file system, so that an interruption leaves a part of the folder there.
  # VERSION, which says that it is whole, is written last.
  rm -rf ".deps/$folder"
  mv "$work/new" ".deps/$folder"
  echo "$version" >".deps/$folder/VERSION"
}

for wheel_name in ${wheels[@]+"${wheels[@]}"}; do
  fetch_wheel "$wheel_name"
done

if [[ -n $nvcc ]]; then
  echo "setup.sh: nothing is missing, with $("$nvcc" --version | sed -n 's/.*release \([0-9.]*\).*/CUDA \1/p')"
else
  echo "setup.sh: nothing is missing; no CUDA toolkit, so the project builds for the CPU"
fi
if $cuda; then
  cat <<'TEXT'
A CUDA build also needs:
  nvcc and cuBLAS  NVIDIA's CUDA toolkit, 12.4 or newer (Debian's own is too old for C++20)
  cuDNN 9, NCCL 2  NVIDIA's packages, or `python3 -m pip install nvidia-cudnn-cu13 nvidia-nccl-cu13`
                   (cu12 for CUDA 12); elsewhere: cmake -DCUDNN_ROOT=DIR -DNCCL_ROOT=DIR
`cmake --preset cuda` names whatever it does not find.
TEXT
fi

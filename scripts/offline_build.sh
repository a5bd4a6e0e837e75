#!/usr/bin/env bash
# Builds and tests SciMix from a kit that scripts/offline_kit.sh made: without network, without root, and
# without the libraries that the kit holds. It needs g++ 12 or newer, CMake 3.24 and Ninja; for CUDA also
# the toolkit, cuDNN 9 and NCCL, which may be packages of the python3 on the PATH. The programs run from
# build/offline/bin without further settings; they are linked with the kit's Open MPI, whose mpirun is
# build/offline/bin/mpirun, unless -DMPI_... names another. The last line is `N passed, N failed, N skipped`.
#
# usage: scripts/offline_build.sh DIR [--cuda auto|on|off] [--arch ARCH] [-DCMAKE_OPTION=VALUE]...
#                               [-- TEST_OPTION...]
#   DIR          the kit
#   --cuda       auto (the default) builds for CUDA if all that it needs is found, and says so
#   --arch       the GPU's architecture, as in CMAKE_CUDA_ARCHITECTURES: native, 90 (the default), "80;90"
#   TEST_OPTION  for the test program, such as --test-case="*norm*"
#
# To use this machine's own MPI, name its compiler: -DMPI_C_COMPILER=mpicc, with its mpirun on the PATH.
# Tests on real images run if the kit holds data, or if SCIMIX_TEST_DATA names a folder with data.
set -euo pipefail

die() {
  echo "offline_build.sh: $*" >&2
  exit 1
}

mistake() {
  echo "offline_build.sh: $*" >&2
  exit 2
}

kit=
cuda=AUTO
own_mpi=false
options=()
while (($# > 0)); do
  case $1 in
    --)
      shift
      break
      ;;
    --cuda)
      case ${2-} in
        auto | on | off) cuda=${2^^} ;;
        *) mistake "--cuda ${2-}: expected auto, on or off" ;;
      esac
      shift
      ;;
    --arch)
      [[ -n ${2-} ]] || mistake "--arch: no architecture, expected native, 90, \"80;90\", ..."
      options+=("-DSCIMIX_CUDA_ARCHITECTURES=$2")
      shift
      ;;
    -D*)
      options+=("$1")
      [[ $1 != -DMPI_* ]] || own_mpi=true
      ;;
    -*) mistake "unknown option '$1', expected --cuda, --arch, -DOPTION=VALUE or --" ;;
    *)
      [[ -z $kit ]] || mistake "a second folder '$1', expected one, the kit"
      kit=$1
      ;;
  esac
  shift
done
[[ -n $kit ]] || mistake "no kit given, expected: scripts/offline_build.sh DIR"
[[ -f $kit/kit.txt && -f $kit/prefix.tar.xz ]] ||
  mistake "$kit is no kit, expected a folder that scripts/offline_kit.sh made"
kit=$(cd "$kit" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# --- does the kit fit this machine? ----------------------------------------------------------------
said() { sed -n "s/^$1 //p" "$kit/kit.txt"; } # NAME: prints the value of this line of kit.txt
at_least() { [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]; } # LEAST VERSION

[[ $(uname -m) == "$(said machine)" ]] || die "this machine is $(uname -m), the kit is for $(said machine)"
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null) || die "glibc is not installed, the kit needs $(said glibc) or newer"
at_least "$(said glibc)" "${glibc#glibc }" ||
  die "${glibc} is too old, the kit needs $(said glibc) or newer"

compiler=${CXX:-g++}
for tool in cmake ninja "$compiler"; do
  command -v "$tool" >/dev/null ||
    die "$tool is not installed, expected g++ 12 or newer, CMake 3.24 or newer, and Ninja"
done
cmake_version=$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')
at_least 3.24 "$cmake_version" || die "cmake is version $cmake_version, expected 3.24 or newer"
if ! "$compiler" --version | grep -qi clang; then
  compiler_version=$("$compiler" -dumpfullversion)
  at_least 12 "$compiler_version" ||
    die "$compiler is version $compiler_version, expected 12 or newer: CXX=g++-12 names another"
fi
grep -aqwF "$(said libstdc++)" "$("$compiler" -print-file-name=libstdc++.so.6)" ||
  die "the C++ library of $compiler lacks $(said libstdc++), which the kit needs: expected a newer g++"

# --- unpack it -------------------------------------------------------------------------------------
prefix=$PWD/build/offline-kit
if ! cmp -s "$kit/kit.txt" "$prefix/kit.txt"; then
  echo "$(said sha256)  $kit/prefix.tar.xz" | sha256sum --check --status ||
    die "$kit/prefix.tar.xz is damaged: copy the kit again"
  rm -rf "$prefix"
  mkdir -p "$prefix"
  (cd "$prefix" && cmake -E tar xf "$kit/prefix.tar.xz")
  cp "$kit/kit.txt" "$prefix/"
fi

if [[ -z ${SCIMIX_TEST_DATA:-} && -d $kit/data ]]; then
  export SCIMIX_TEST_DATA=$kit/data
fi

export CUDNN_FRONTEND_ROOT=$prefix/cudnn-frontend
# The tests start ranks by the mpirun on the PATH, and scripts/gpu_check.sh --build by the one beside the programs.
mpirun=build/offline/bin/mpirun
rm -f "$mpirun"
if ! $own_mpi; then
  [[ -x $prefix/openmpi/bin/mpicc ]] || die "$kit has no Open MPI: make the kit again with scripts/offline_kit.sh"
  export PATH=$prefix/openmpi/bin:$PATH
  options+=("-DMPI_C_COMPILER=$prefix/openmpi/bin/mpicc" "-DMPIEXEC_EXECUTABLE=$prefix/openmpi/bin/mpirun")
  mkdir -p "${mpirun%/*}"
  ln -s "$prefix/openmpi/bin/mpirun" "$mpirun"
fi
# RPATH is used, not its successor RUNPATH, because it also applies to the dependencies of libraries.
fmt=("$prefix"/usr/lib/*/cmake/fmt)
libraries=${fmt[0]%/cmake/fmt}
exec scripts/test.sh offline "-DSCIMIX_CUDA=$cuda" \
  "-DCMAKE_PREFIX_PATH=$prefix/usr" "-DCMAKE_LIBRARY_PATH=$libraries" "-Dfmt_DIR=${fmt[0]}" \
  "-DCMAKE_BUILD_RPATH=$libraries" "-DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags" \
  "${options[@]}" -- "$@"

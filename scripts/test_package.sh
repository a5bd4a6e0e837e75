#!/usr/bin/env bash
# Tests what other projects use: the installed package and the Python package. It installs the CPU build
# (build/cpu, which scripts/test.sh makes) into a temporary folder, moves that folder, and uses it from there.
# With a compiler cache, building the Python module compiles little again, because its flags are the same.
#
# usage: scripts/test_package.sh [--no-python]
#   --no-python  leaves out the Python package, which needs packages from PyPI
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=true
case ${1-} in
  "") ;;
  --no-python) python=false ;;
  *)
    echo "test_package.sh: unknown option '$1', expected --no-python or nothing" >&2
    exit 2
    ;;
esac
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=${OMP_NUM_THREADS-2}

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
step() { echo "--- $* (${SECONDS} s)"; }

step "cmake --install"
cmake --build build/cpu --parallel "$(nproc)" >/dev/null
cmake --install build/cpu --prefix "$work/first" >/dev/null
mv "$work/first" "$work/prefix" # an installed package may be moved
prefix=$work/prefix
cd "$work"                      # no preset of the checkout can be found by its relative path

step "programs"
for program in scimix_train scimix_eval scimix_mix scimix_bench scimix_export; do
  [[ $("$prefix/bin/$program" --version) == "$program "[0-9]* ]] || fail "$program --version"
  page=$prefix/share/man/man1/$program.1
  grep -q "^.SH NAME" "$page" || fail "no man page of $program"
  [[ -z $(command -v man) ]] || MANWIDTH=100 man --warnings -l "$page" 2>&1 >/dev/null | { ! grep .; } ||
    fail "a warning about $page"
  bash -n "$prefix/share/bash-completion/completions/$program" || fail "completion of $program in bash"
  [[ -s $prefix/share/zsh/site-functions/_$program ]] || fail "no completion of $program in zsh"
  [[ -z $(command -v zsh) ]] || zsh -n "$prefix/share/zsh/site-functions/_$program" ||
    fail "completion of $program in zsh"
done
grep -q 'weight\\-decay' "$prefix/share/man/man1/scimix_train.1" || fail "a setting is not in the man page"
# shellcheck disable=SC1091
(
  source "$prefix/share/bash-completion/completions/scimix_eval"
  COMP_WORDS=(scimix_eval logits --cou) COMP_CWORD=2
  _scimix_eval
  [[ ${COMPREPLY[*]} == --count ]]
) || fail "completion of scimix_eval logits --cou"

step "presets"
"$prefix/bin/scimix_train" table I --list --scale cpu >list.txt || fail "configs/tables.toml is not found"
[[ -s list.txt ]] || fail "an empty list of runs"
status=0
"$prefix/bin/scimix_train" generator --config configs/generators/digits.toml --dataset folder \
  --data-dir /nowhere 2>error.txt || status=$? # the data are looked at when the preset was read
[[ $status == 2 ]] && grep -q /nowhere error.txt || fail "a preset is not found: $(cat error.txt)"

step "find_package"
cmake -S "$root/examples" -B found -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build found >/dev/null
found/train_digits 240 | tee found.txt
grep -q "^test accuracy [4-9][0-9]" found.txt || fail "the example learns nothing"

step "add_subdirectory"
# This folder and that of the Python module lie beside build/cpu, so that a compiler cache with a base folder
# finds the same relative paths. Building a part of the library is enough here.
sub=$root/build/package-sub
cmake -S "$root/examples" -B "$sub" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSCIMIX_SOURCE="$root" \
  -DSCIMIX_CUDA=OFF -DSCIMIX_WERROR=ON >/dev/null
cmake --build "$sub" --target scimix_core >/dev/null
ninja -C "$sub" -t commands train_digits >commands.txt
grep -q "train_digits.cpp.o .*libscimix" commands.txt || fail "the example does not link the library"

if $python; then
  step "pip install ."
  python3 -m venv venv
  venv/bin/pip install -q --disable-pip-version-check "scikit-build-core>=0.10" "nanobind>=2.4" ninja \
    "numpy<3" pytest onnx onnxruntime
  # The compiler's name and the flags are those of build/cpu, so that a compiler cache finds its objects.
  compiler() { sed -n "s/^CMAKE_$1_COMPILER:[A-Z]*=//p" "$root/build/cpu/CMakeCache.txt"; }
  export CC CXX
  CC=$(compiler C)
  CXX=$(compiler CXX)
  venv/bin/pip install -q --disable-pip-version-check --no-build-isolation --no-deps "$root" \
    -Ccmake.define.SCIMIX_WERROR=ON -Ccmake.define.SCIMIX_CUDA=OFF -Cbuild-dir="$root/build/package-python"

  step "pytest"
  SCIMIX_BIN=$prefix/bin venv/bin/python -m pytest -q -p no:cacheprovider "$root/python/tests"

  step "python/examples/train_digits.py"
  venv/bin/python "$root/python/examples/train_digits.py" "$work/example"
fi
echo "the package works ($SECONDS s)"

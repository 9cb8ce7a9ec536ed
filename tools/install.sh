#!/usr/bin/env bash
# Installs this tree, editable, into a virtual environment, and makes that first where it is missing.
#
#   tools/install.sh [EXTRAS]        EXTRAS as in setup.py: "test", "test,docs"
#
#   VENV     where (.venv)
#   PYTHON   made with which interpreter (the first of python3, python3.13, ... that is 3.10 or newer)
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/phases.sh

venv=${VENV:-.venv}
extras=${1:-}
here=$(pwd -P)

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1
}

find_python() {
    local name
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
        if new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
    echo "Python 3.10 or newer is needed; tried ${PYTHON:-python3, python3.13 ... python3.10}." >&2
    echo "Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2
    return 1
}

make_venv() {
    local python package
    python=$(find_python)
    package=$(basename "$python")-venv
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
            quietly apt-venv "installing $package" tools/apt.sh "$package"
        else
            echo "$python cannot make virtual environments. Install what is missing, on Debian and Ubuntu with" >&2
            echo "    sudo apt-get install -y $package" >&2
            return 1
        fi
    fi
    rm -rf "$venv"
    mkdir -p "$venv"
    echo "not finished" >"$venv/.place"  # where this is interrupted, the next time begins anew
    quietly venv "making $venv with $("$python" --version)" "$python" -m venv "$venv"
}

# uv installs ten times as fast as pip; where it cannot be had, pip does.
fetch_uv() {
    [ -x "$venv/bin/uv" ] || quietly uv "fetching uv" "$venv/bin/python" -m pip install --disable-pip-version-check uv
}

with_uv() {
    "$venv/bin/uv" pip install --python "$venv/bin/python" -e "$1"
}

with_pip() {
    "$venv/bin/python" -m pip install --disable-pip-version-check -e "$1"
}

# An environment knows its own path; one that was moved, copied or lost its interpreter is made anew.
if ! new_enough "$venv/bin/python" || [ "$(cat "$venv/.place" 2>/dev/null || echo "$here")" != "$here" ]; then
    make_venv
fi
echo "$here" >"$venv/.place"

what=.${extras:+[$extras]}
if ! fetch_uv || ! quietly "install-${extras:-core}" "installing wwt-framework${extras:+ with [$extras]}" with_uv "$what"; then
    quietly install-pip "installing the same with pip" with_pip "$what"
fi
rm -rf wwt_framework.egg-info  # left by the build: a second register of plugins, soon out of date

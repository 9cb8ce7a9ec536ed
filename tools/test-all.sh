#!/usr/bin/env bash
# Runs the tests that need no browser with every Python from 3.10 to 3.13 that is here.
# Each has an environment of its own under build/, with the wheel, not the tree, installed.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/phases.sh

# A name on the path may be a version manager's stub that runs nothing; its real ones lie in its folder.
find_python() {
    local python
    for python in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        if "$python" --version 2>/dev/null | grep -q "^Python $1\."; then
            command -v "$python"
            return
        fi
    done
    return 1
}

install_wheel() {
    .venv/bin/uv pip install --python "$1/bin/python" --reinstall-package wwt-framework '.[test]'
}

passed=() failed=() absent=()
for version in 3.10 3.11 3.12 3.13; do
    if ! python=$(find_python "$version"); then
        absent+=("$version")
        continue
    fi
    venv=build/venvs/$version
    if ! "$venv/bin/python" -c '' 2>/dev/null; then
        quietly "venv-$version" "making $venv" .venv/bin/uv venv --seed --clear --python "$python" "$venv"
    fi
    if quietly "install-$version" "installing for Python $version" install_wheel "$venv" &&
        "$venv/bin/pytest" -n "${WORKERS:-2}" --dist loadgroup -m "not drill and not browser" -p no:cacheprovider "$@"; then
        passed+=("$version")
    else
        failed+=("$version")
    fi
done

say "Python passed: ${passed[*]:-none}; failed: ${failed[*]:-none}; not here: ${absent[*]:-none}"
[ ${#failed[@]} -eq 0 ] && [ ${#passed[@]} -gt 0 ]

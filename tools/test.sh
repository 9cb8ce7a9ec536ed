#!/usr/bin/env bash
# Lint, types, tests: all three are run, and one that fails fails the whole.
#
#   tools/test.sh [lint | pytest's arguments]
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/phases.sh

bin=${VENV:-.venv}/bin
failed=()

check() {
    local name=$1
    shift
    say "$name"
    "$@" || failed+=("$name")
}

check "ruff check" "$bin/ruff" check --quiet .
check "ruff format" "$bin/ruff" format --check --quiet --output-format concise .  # `make format` mends it
mkdir -p build/types
ln -sfn ../../plugins build/types/wwt_plugins  # under this name they are installed, and benchmarks import them
check "mypy" "$bin/mypy" wwt_framework plugins benchmarks

if [ "${1:-}" != lint ]; then
    check "pytest" "$bin/pytest" "$@"
fi

if [ ${#failed[@]} -gt 0 ]; then
    say "FAILED: $(printf '%s, ' "${failed[@]}" | sed 's/, $//')"
    exit 1
fi
say "passed"

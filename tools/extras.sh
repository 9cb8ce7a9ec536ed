#!/usr/bin/env bash
# Installs what the tests need beside Debian's packages and [test]: python-ldap, which has to be compiled, the
# OpenID provider, which is a program of Node, and this tree for the Python that Apache runs, where that is another one.
#
# Never fails: a test whose component is missing is skipped with its reason (in CI it fails).
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/phases.sh

venv=${VENV:-.venv}
npm=.npm

compile_ldap() {
    "$venv/bin/uv" pip install --python "$venv/bin/python" python-ldap ||
        "$venv/bin/python" -m pip install --disable-pip-version-check python-ldap
}

fetch_provider() {
    rm -rf "$npm" && mkdir "$npm"
    cp tests/plugins/auth/provider/package.json tests/plugins/auth/provider/package-lock.json "$npm/"
    PATH="$(cd "$venv/bin" && pwd):$PATH" npm ci --prefix "$npm" --ignore-scripts --no-audit --no-fund
}

# python3.11: what Debian's mod_wsgi is linked with; nothing where it is not installed.
python_of_apache() {
    grep -aoE 'libpython3\.[0-9]+' /usr/lib/apache2/modules/mod_wsgi.so 2>/dev/null | sed 's/^lib//;q'
}

if ! "$venv/bin/python" -c 'import ldap' 2>/dev/null; then
    quietly ldap "compiling python-ldap" compile_ldap ||
        say "python-ldap can not be compiled here (it needs gcc python3-dev libldap2-dev libsasl2-dev). Its tests are skipped."
fi
if ! cmp -s tests/plugins/auth/provider/package-lock.json "$npm/package-lock.json" || [ ! -d "$npm/node_modules" ]; then
    quietly npm "fetching the OpenID provider" fetch_provider ||
        { rm -rf "$npm/node_modules"; say "the OpenID provider can not be fetched. Tests that need it are skipped."; }
fi
apache=$(python_of_apache || true)
if [ -n "$apache" ] && [ ! -e "$venv/lib/$apache" ]; then
    VENV=build/apache PYTHON=/usr/bin/$apache tools/install.sh ||
        say "wwt-framework can not be installed for $apache, which Apache runs. Its test is skipped."
fi

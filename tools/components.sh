#!/usr/bin/env bash
# Installs the programs beside Python that the tests need, or says which are missing.
#
#   tools/components.sh PACKAGE...      Debian packages
#
# Never fails: a test whose component is missing is skipped with its reason (in CI it fails).
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/phases.sh

installed() {
    case $1 in
        chromium)  # another build of it serves as well
            command -v chromium || command -v chromium-browser || command -v google-chrome
            ;;
        postgresql)
            command -v postgres || ls /usr/lib/postgresql/*/bin/postgres
            ;;
        nginx-light)  # every flavour of it serves as well
            command -v nginx || ls /usr/sbin/nginx
            ;;
        apache2)
            ls /usr/sbin/apache2
            ;;
        *)
            [ "$(dpkg-query -W -f '${db:Status-Status}' "$1")" = installed ]
            ;;
    esac >/dev/null 2>&1
}

missing=()
for package in "$@"; do
    installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    say "not installed: ${missing[*]} (names as in Debian; there is no apt-get here). Tests that need them are skipped."
elif [ "$(id -u)" -ne 0 ]; then
    say "not installed: ${missing[*]}. Tests that need them are skipped. To install them:"
    echo "         sudo apt-get install -y ${missing[*]}"
elif ! quietly apt "installing ${missing[*]}" tools/apt.sh "${missing[@]}"; then
    say "not installed: ${missing[*]}. Tests that need them are skipped."
fi

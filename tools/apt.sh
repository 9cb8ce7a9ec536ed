#!/usr/bin/env bash
# Installs Debian packages, as root, without questions and without starting their services.
#
#   tools/apt.sh PACKAGE...
set -euo pipefail

export DEBIAN_FRONTEND=noninteractive
export RUNLEVEL=1  # a package that brings a service leaves it stopped; the tests start their own

apt-get -o DPkg::Lock::Timeout=300 update
apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"

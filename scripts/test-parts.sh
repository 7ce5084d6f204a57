#!/usr/bin/env bash
# The real parts the tests talk to. Installs the Debian packages that are missing when it may, else says which.
set -euo pipefail

missing=()
need() { # package, then a command or path that shows it is there
    local package=$1 proof
    shift
    for proof in "$@"; do
        if command -v "$proof" >/dev/null 2>&1 || compgen -G "$proof" >/dev/null; then return; fi
    done
    missing+=("$package")
}
need postgresql '/usr/lib/postgresql/*/bin/postgres'
need prometheus prometheus
need prometheus-alertmanager prometheus-alertmanager
need chromium chromium
need strace strace
need libfaketime '/usr/lib/*/faketime/libfaketimeMT.so.1'

[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "The tests need these Debian packages: ${missing[*]}" >&2
    echo "Install them with: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 2
fi
echo "Installing for the tests: ${missing[*]} ..."
# the tests start these themselves, on loopback, in temporary directories: no system service is wanted
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

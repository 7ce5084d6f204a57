#!/usr/bin/env bash
# Makes the virtual environment and installs Pinkslip into it: environment.sh VENV PYTHON [dev]
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1 python=$2 extra=${3:-}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Pinkslip needs Python 3.11 or newer; $python is $("$python" --version 2>&1 || echo not here). Try: make PYTHON=python3.12 ..." >&2
    exit 2
fi
if [ ! -x "$venv/bin/pip" ]; then
    echo "Making the virtual environment $venv ..."
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        # Debian keeps this part of Python in a package of its own
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
            apt-get update -qq
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
        else
            echo "Python's venv is missing. On Debian: sudo apt-get install python3-venv" >&2
            exit 2
        fi
    fi
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
echo "Installing Pinkslip${extra:+ and what its tests need} ..."
"$venv/bin/pip" install --quiet --disable-pip-version-check -c constraints.txt -e ".${extra:+[$extra]}"

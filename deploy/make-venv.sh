#!/bin/sh
# Makes .venv with the locked libraries and the exporter itself: make-venv.sh PYTHON runtime|dev
set -eu
python=$1
kind=$2

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "$python is too old: Python 3.11 or newer is needed (make PYTHON=python3.12 ...)" >&2
  exit 1
}
# Debian keeps the module that makes virtual environments in a package of its own.
"$python" -c 'import ensurepip, venv' 2>/dev/null || sh deploy/install-packages.sh python3-venv

[ -x .venv/bin/python ] || { echo "Making .venv ..."; "$python" -m venv .venv; }
echo "Installing the locked libraries ($kind) ..."
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "deploy/locks/$kind.txt"
# The lock holds what builds the package too, so nothing is resolved again here.
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
touch ".venv/$kind"
[ "$kind" = runtime ] || touch .venv/runtime

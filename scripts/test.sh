#!/usr/bin/env bash
# Installs KGQA with what its tests need into the Python environment in use, then checks style, types and behaviour.
# Arguments go to pytest: scripts/test.sh tests/test_cli.py -x
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python}

if ! "$python" -c 'import sys; sys.exit(sys.prefix == sys.base_prefix)'; then
  echo "scripts/test.sh: activate a virtual environment first, or name its Python in PYTHON" >&2
  exit 2
fi

"$python" -m pip install --quiet --constraint constraints.txt '.[train,test]'
"$python" -m ruff check .
"$python" -m mypy
"$python" -m pytest -n 2 "$@"

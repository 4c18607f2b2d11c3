#!/usr/bin/env bash
# Create or update the Python environment of the interop checks, and print its folder.
#
#     venv=$(tests/interop/env.sh)
#     "$venv/bin/python" tests/interop/check_store.py STORE SOURCE...
#
# VOXSTORE_VENV  where it stands (default: .venv in the project root; may be shared by work trees)
# PYTHON         the interpreter it is made with (default: python3; 3.11 or newer)
#
# Nothing is done when requirements.txt and the interpreter are those it was last made with.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=${VOXSTORE_VENV:-$root/.venv}
python=${PYTHON:-python3}

"$python" - <<'EOF' >&2
import sys
if sys.version_info < (3, 11):
    sys.exit(f"{sys.executable}: expected Python 3.11 or newer, found {sys.version.split()[0]}")
EOF

wanted=$("$python" - "$here/requirements.txt" <<'EOF'
import hashlib, pathlib, sys
print(sys.version.split()[0], hashlib.sha256(pathlib.Path(sys.argv[1]).read_bytes()).hexdigest())
EOF
)

mkdir -p "$venv"
# Two callers at once: the second waits, then finds the work done.
exec 9>"$venv/.lock"
if command -v flock >/dev/null; then flock 9; fi

stamp=$venv/.voxstore-requirements
if [[ ! -f $stamp || $(<"$stamp") != "$wanted" ]]; then
    rm -f "$stamp"
    "$python" -m venv "$venv" >&2 9>&-
    "$venv/bin/python" -m pip install --quiet -r "$here/requirements.txt" >&2 9>&-
    "$venv/bin/python" -m pip check >&2 9>&-
    printf '%s\n' "$wanted" >"$stamp"
fi
(cd "$venv" && pwd)

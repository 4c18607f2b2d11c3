#!/usr/bin/env bash
# Create or update a Python environment, and print its folder: that of the interop checks, or of
# what another requirements.txt asks for.
#
#     venv=$(tests/interop/env.sh)
#     "$venv/bin/python" tests/interop/check_store.py STORE SOURCE...
#     venv=$(tests/interop/env.sh benches/peers/requirements.txt)      # stands in .venv-peers
#
# VOXSTORE_VENV  where that of the checks stands (default: .venv in the project root; may be shared
#                by work trees). Another stands beside it, named for the folder of its requirements.
# PYTHON         the interpreter it is made with (default: python3; 3.11 or newer)
#
# Nothing is done when the requirements and the interpreter are those it was last made with.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
checks=$here/requirements.txt
requirements=${1:-$checks}
venv=${VOXSTORE_VENV:-$root/.venv}
if [[ ! $requirements -ef $checks ]]; then
    venv=$venv-$(basename "$(cd "$(dirname "$requirements")" && pwd)")
fi
python=${PYTHON:-python3}

"$python" - <<'EOF' >&2
import sys
if sys.version_info < (3, 11):
    sys.exit(f"{sys.executable}: expected Python 3.11 or newer, found {sys.version.split()[0]}")
EOF

# Those of the checks count for all: others build on them.
wanted=$("$python" - "$checks" "$requirements" <<'EOF'
import hashlib, pathlib, sys
files = b"".join(pathlib.Path(path).read_bytes() for path in dict.fromkeys(sys.argv[1:]))
print(sys.version.split()[0], hashlib.sha256(files).hexdigest())
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
    "$venv/bin/python" -m pip install --quiet -r "$requirements" >&2 9>&-
    "$venv/bin/python" -m pip check >&2 9>&-
    printf '%s\n' "$wanted" >"$stamp"
fi
(cd "$venv" && pwd)

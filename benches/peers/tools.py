"""The programs that are run: voxstore, its helpers, and the Python of the peers."""

import functools
import subprocess
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VOXSTORE = ROOT / "target/release/voxstore"
EXAMPLES = ROOT / "target/release/examples"
OURS = EXAMPLES / "peers"
METHODS = HERE / "methods"
CHECK = HERE / "check.py"


def run(command: Sequence[str | Path]) -> str:
    """Runs a command that must succeed, untimed, and returns what it printed."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


@functools.cache
def environment() -> Path:
    """The Python environment of the peers, made where it is not there."""
    return Path(run(["tests/interop/env.sh", HERE / "requirements.txt"]))


def python() -> Path:
    """The interpreter of the peers."""
    return environment() / "bin/python"


def niimath() -> Path:
    """The program that niimath's package ships; its command is a wrapper in Python."""
    return next(environment().glob("lib/python*/site-packages/niimath/bin/niimath"))


def build() -> None:
    """Builds voxstore, and apart from it the examples, whose dependencies may turn on features."""
    run(["cargo", "build", "--release", "--quiet"])
    run(["cargo", "build", "--release", "--quiet", "--example", "make_runs", "--example", "peers"])

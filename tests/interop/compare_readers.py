#!/usr/bin/env python3
"""Compare what nibabel, the nifti crate and voxstore make of odd files, and put it into the docs.

    python tests/interop/compare_readers.py FOLDER PROGRAM            # writes the table
    python tests/interop/compare_readers.py FOLDER PROGRAM --check    # is it the one that stands there?

FOLDER holds what `VOXSTORE_ROWS=FOLDER cargo test --test correctness` leaves: a folder a case, with its
files, `case.json` and, where there is one true answer, `truth.f64` (little-endian float64, x fastest).
PROGRAM is the example `nifti_crate`. What voxstore does is what its test has just shown.

The table stands between two marks in docs/correctness.md. Exit code 1 where --check finds another.
"""

import argparse
import json
import logging
import resource
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

DOCS = Path(__file__).resolve().parents[2] / "docs" / "correctness.md"
LOCK = Path(__file__).resolve().parents[2] / "Cargo.lock"
BEGIN, END = "<!-- readers: begin -->\n", "<!-- readers: end -->\n"

# Readers allocate what a header asks for.
MEMORY_BYTES = 2 << 30
SECONDS = 60

# Cases that are named in a row.
SHOWN = 8

# Values that agree to this are rounded ones, not wrong ones.
ROUNDED = 1e-5

Values = NDArray[np.float64]


@dataclass
class Case:
    """A file of a row, and the true answer."""

    row: str
    what: str
    file: Path
    voxstore: str
    affine: NDArray[np.float64] | None
    truth: Values | None


def read_case(folder: Path) -> Case:
    """Read what a test left."""
    said = json.loads((folder / "case.json").read_text())
    truth = folder / "truth.f64"
    return Case(
        row=said["row"],
        what=said["case"],
        file=folder / said["file"],
        voxstore=said["voxstore"],
        affine=None if said["affine"] is None else np.array(said["affine"]),
        truth=np.fromfile(truth, "<f8") if truth.exists() else None,
    )


def judged(values: Values, truth: Values | None) -> str:
    """Name values that a reader gave."""
    if truth is None:
        return "gives numbers" if values.size else "gives an empty array"
    if values.size != truth.size:
        return "**wrong voxels**"
    if np.array_equal(values, truth, equal_nan=True):
        return "reads"
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.allclose(values, truth, rtol=ROUNDED, atol=0, equal_nan=True)
    return "reads, rounded" if near else "**wrong voxels**"


class Heard(logging.Handler):
    """Whether nibabel logged something that a user sees."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


def with_nibabel(case: Case) -> str:
    """Say what nibabel makes of a case."""
    heard = Heard()
    logger = nibabel.imageglobals.logger
    before, logger.handlers = logger.handlers, [heard]
    try:
        with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
            warnings.simplefilter("always")
            image = nibabel.load(case.file)
            values = np.asarray(image.get_fdata(caching="unchanged")).ravel(order="F")
            verdict = judged(values, case.truth)
            # Its affine is that of the units that the header names.
            if case.affine is not None and not np.allclose(image.affine, case.affine, atol=1e-4):
                verdict += ", another affine"
    except MemoryError:
        return "runs out of memory"
    # Which exception it is depends on the damage, and it is raised on purpose in few cases only.
    except Exception:
        return "refuses"
    finally:
        logger.handlers = before
    caught = [said for said in caught if not issubclass(said.category, ResourceWarning)]
    return f"{verdict}, warns" if heard.count or caught else verdict


def with_crate(case: Case, program: Path, scratch: Path) -> str:
    """Say what the nifti crate makes of a case."""
    out = scratch / "voxels.f64"
    out.unlink(missing_ok=True)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))

    try:
        done = subprocess.run(
            [program, case.file, out], capture_output=True, preexec_fn=limit, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return "hangs"
    if done.returncode == 0:
        return judged(np.fromfile(out, "<f8"), case.truth)
    if done.returncode == 1:
        return "refuses"
    said = done.stderr.decode(errors="replace")
    if "memory allocation" in said or "capacity overflow" in said:
        return "**runs out of memory**"
    if done.returncode == 101:
        return "**panics**"
    raise RuntimeError(f"{case.file}: {program} ended with {done.returncode}: {said}")


def crate_version() -> str:
    """Find the version of the crate that is locked."""
    lines = LOCK.read_text().splitlines()
    return lines[lines.index('name = "nifti"') + 1].split('"')[1]


def table(cases: Sequence[Case], program: Path) -> str:
    """Make the rows, cases of the same fate in one."""
    rows: dict[tuple[str, ...], list[str]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for case in sorted(cases, key=lambda case: (case.row, case.what)):
            fate = (case.voxstore, with_nibabel(case), with_crate(case, program, Path(scratch)))
            rows.setdefault((case.row, *fate), []).append(case.what)
    lines = [
        f"| code | case | voxstore | nibabel {nibabel.__version__} | nifti {crate_version()} |",
        "|---|---|---|---|---|",
    ]
    for (row, *fate), whats in rows.items():
        more = f"; and {len(whats) - SHOWN} more" if len(whats) > SHOWN else ""
        lines.append(f"| {row} | {'; '.join(whats[:SHOWN])}{more} | {' | '.join(fate)} |")
    return "\n".join(lines) + "\n"


def differences(stands: str, found: str) -> list[str]:
    """List the lines of which only one table has them."""
    old, new = stands.splitlines(), found.splitlines()
    gone = [f"- {line}" for line in old if line not in new]
    return gone + [f"+ {line}" for line in new if line not in old]


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare readers on odd files.")
    parser.add_argument("folder", type=Path, help="what the tests left")
    parser.add_argument("program", type=Path, help="the example nifti_crate, built")
    parser.add_argument("--check", action="store_true", help="compare with what stands in the docs")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    cases = [read_case(path.parent) for path in arguments.folder.glob("*/case.json")]
    if len(cases) < 100:
        print(f"{arguments.folder}: expected the cases of every row, found {len(cases)}")
        return 1
    found = table(cases, arguments.program.resolve())
    text = DOCS.read_text()
    before, rest = text.split(BEGIN)
    stands, after = rest.split(END)
    changed = differences(stands, found)
    if not arguments.check:
        DOCS.write_text(before + BEGIN + found + END + after)
        print(f"{DOCS}: {len(cases)} cases, {len(changed)} lines changed")
        return 0
    for line in changed:
        print(line, file=sys.stderr)
    print(f"{len(cases)} cases of odd files by three readers: {'DIFFERS' if changed else 'ok'}")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())

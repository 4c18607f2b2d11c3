#!/usr/bin/env python3
"""Hold what voxstore reads from stores of other tools against the numbers that numpy had.

    python tests/interop/check_foreign.py VOXSTORE FOLDER

FOLDER is what `make_foreign.py` leaves, VOXSTORE the program. Of each store, the facts of `info --json` must
be those that were written, and the maps of `reduce` (min, max, argmax, mean) and `tsnr` numpy's: those that
only choose exactly, as float32 holds them, the others within 1e-6 of themselves. What the tool that wrote a
store reads from it must be the same again, so that it is the store that is compared and not an idea of it.
Prints a line per store and exits with 1 when anything differs, naming what, expected and found.
"""

import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import zarr
from mismatch import MismatchError, expect
from numpy.typing import NDArray

Array = NDArray[Any]
TOLERANCE = 1e-6
REDUCTIONS = {"min": np.min, "max": np.max, "argmax": np.argmax, "mean": np.mean}


def same(what: str, expected: Array, found: Array, tolerance: float) -> None:
    """Require maps to agree, NaN and infinities included."""
    expect(f"shape of {what}", expected.shape, found.shape)
    with np.errstate(invalid="ignore", over="ignore"):
        expected = expected.astype(np.float64)
        near = np.abs(found - expected) <= tolerance * np.abs(expected)
    good = near | (found == expected) | (np.isnan(found) & np.isnan(expected))
    if not good.all():
        at = tuple(int(i) for i in np.argwhere(~good)[0])
        raise MismatchError(f"{what} at {at}", expected[at], found[at])


def numbers(want: dict[str, Any], folder: Path) -> Array:
    """The stored numbers, x, y, z, t."""
    raw = np.fromfile(folder / want["raw"], np.dtype(want["dtype"]).newbyteorder("<"))
    return raw.reshape(want["shape"], order="F")


def check_tool(want: dict[str, Any], folder: Path) -> None:
    """Read the store by zarr-python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        group = zarr.open_group(folder / want["path"], mode="r")
        attributes = group.attrs.asdict()
        image = attributes.get("ome", attributes)["multiscales"][0]
        found = group["0"][...]
    names = [axis["name"] for axis in image["axes"]]
    if "c" in names:
        found = found.squeeze(names.index("c"))
        names.remove("c")
    found = found.transpose([names.index(name) for name in "xyzt" if name in names])
    stored = numbers(want, folder)
    found = found.reshape(stored.shape)
    equal = (found == stored) | ((found != found) & (stored != stored))
    # A fill value of null is whatever the tool likes.
    expect("voxels that zarr-python reads otherwise", 0, int((~equal).sum()))


def run(program: Path, *args: object) -> str:
    """Run voxstore, which must succeed."""
    done = subprocess.run([program, *map(str, args)], capture_output=True, text=True)
    expect(f"exit code of voxstore {' '.join(map(str, args))}, {done.stderr}", 0, done.returncode)
    return done.stdout + done.stderr


def check_info(program: Path, want: dict[str, Any], store: Path) -> None:
    """Compare what `info` tells."""
    (described,) = json.loads(run(program, "info", "--json", store).split("\nwarning:")[0])
    (found,) = described["runs"]
    expect("kind", "foreign", described["kind"])
    for key, name in [
        ("shape", "shape"),
        ("dtype", "data_type"),
        ("tr_s", "tr_seconds"),
        ("slope", "slope"),
        ("inter", "inter"),
    ]:
        expect(name, want[key], found[name])
    for name in ["kind", "zarr_format", "missing_files", "checksummed"]:
        expect(name, want[name], found["foreign"][name])
    expect("affine", True, np.allclose(found["affine"], want["affine"], rtol=1e-6, atol=1e-6))
    guarantees = found["foreign"]["guarantees"]
    expect("guarantees", "read-only, unverified", guarantees.split(":")[0])


def check_maps(program: Path, want: dict[str, Any], store: Path, folder: Path) -> None:
    """Compare maps with numpy's."""
    stored = numbers(want, folder)
    values = stored.astype(np.float64) * want["slope"] + want["inter"]
    scaled = (want["slope"], want["inter"]) != (1.0, 0.0)
    with tempfile.TemporaryDirectory() as place, np.errstate(all="ignore"):
        for name, reduction in REDUCTIONS.items():
            file = Path(place) / f"{name}.nii"
            run(program, "reduce", name, store, "-o", file, "--quiet")
            found = nibabel.load(file)
            # float64 is rounded to float32 where it is written.
            chosen = name in ("min", "max") and not scaled and stored.dtype != np.float64
            exactly = name == "argmax" or chosen
            same(name, reduction(values, axis=-1), found.get_fdata(), 0 if exactly else TOLERANCE)
            expect("affine of a map", True, np.allclose(found.affine, want["affine"], atol=1e-5))
        if stored.shape[3] == 1:
            return
        file = Path(place) / "tsnr.nii.gz"
        said = run(program, "tsnr", store, "-o", file)
        expect("lines that say unverified", 1, said.count("unverified"))
        std = values.std(-1)
        tsnr = np.where(std == 0, 0, values.mean(-1) / std)
        same("tsnr", tsnr, nibabel.load(file).get_fdata(), TOLERANCE)


def main() -> int:
    program, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    problems = 0
    for want in json.loads((folder / "foreign.json").read_text()):
        store = folder / want["path"]
        try:
            check_tool(want, folder)
            check_info(program, want, store)
            check_maps(program, want, store, folder)
            print(f"{want['path']}: ok")
        # Whatever differs is a finding; the other stores are still looked at.
        except Exception as error:
            problems += 1
            print(f"{want['path']}: {type(error).__name__}: {error}", file=sys.stderr)
    print(f"{problems} problems" if problems else "voxstore and numpy agree on every store")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

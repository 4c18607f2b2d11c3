#!/usr/bin/env python3
"""Read arrays that voxstore wrote with zarr-python and nibabel, and compare every element.

    python tests/interop/check_sinks.py FOLDER

FOLDER is what `tests/sinks.rs` leaves: `sinks.json`, a list of

    {"path": "x.zarr", "raw": "x.raw", "shape": [5, 4, 3], "dtype": "int16", "like": "run.nii"}

with `path` a Zarr array, `.nii` or `.nii.gz`; `raw` its elements, little-endian in Fortran order; and
`like` a NIfTI file whose affine, and whose TR where there are four axes, the array must have, or null.

Types and elements must be equal bit for bit (`bool` is `uint8` in NIfTI). A Zarr array has its axes
reversed, named `z, y, x` or `t, z, y, x` where it has three or four. Prints a line per kind of file and
exits with 1 when an array differs, naming what, expected and found.
"""

import argparse
import json
import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import zarr
from mismatch import MismatchError, expect
from numpy.typing import NDArray

Array = NDArray[Any]


def same(expected: Array, found: Array) -> None:
    """Require the same type, shape and bits."""
    expect("dtype", expected.dtype, found.dtype)
    expect("shape", expected.shape, found.shape)
    width = f"V{expected.dtype.itemsize}"
    differs = np.ascontiguousarray(expected).view(width) != np.ascontiguousarray(found).view(width)
    if differs.any():
        at = tuple(int(i) for i in np.argwhere(differs)[0])
        raise MismatchError(f"element {at}", expected[at], found[at])


def check_zarr(path: Path, expected: Array, like: nibabel.Nifti1Image | None) -> None:
    """Compare a Zarr array."""
    array = zarr.open_array(path, mode="r")
    same(expected, np.asarray(array[...]).T)
    names = {3: ("z", "y", "x"), 4: ("t", "z", "y", "x")}.get(expected.ndim)
    expect("dimension_names", names, array.metadata.dimension_names)
    facts = array.attrs["voxstore"]
    expect("status", "complete", facts["status"])
    if like is not None:
        expect("affine", like.affine.tolist(), facts["affine"])
        if expected.ndim > 3:
            expect("TR", float(like.header.get_zooms()[3]), facts["tr_s"])


def check_nifti(path: Path, expected: Array, like: nibabel.Nifti1Image | None) -> None:
    """Compare a NIfTI file."""
    image = nibabel.load(path)
    if expected.dtype == bool:
        expected = expected.view(np.uint8)
    # nibabel names the byte order; numpy's native is the same type.
    found = np.asarray(image.dataobj)
    same(expected, found.astype(found.dtype.newbyteorder("=")))
    if like is not None:
        expect("affine", like.affine.tolist(), image.affine.tolist())
        axes = expected.ndim
        expect("zooms", like.header.get_zooms()[:axes], image.header.get_zooms())


def check(folder: Path, entry: dict[str, Any]) -> None:
    """Compare one array with the numbers beside it."""
    dtype, shape = np.dtype(entry["dtype"]).newbyteorder("<"), entry["shape"]
    expected = np.fromfile(folder / entry["raw"], dtype).reshape(shape, order="F")
    expected = expected.astype(dtype.newbyteorder("="))
    like = nibabel.load(entry["like"]) if entry["like"] else None
    path = folder / entry["path"]
    (check_zarr if path.suffix == ".zarr" else check_nifti)(path, expected, like)


def check_all(folder: Path, arrays: Sequence[dict[str, Any]]) -> list[str]:
    """Compare all arrays, print what was compared, and return what is wrong."""
    problems, checked = [], Counter[str]()
    for entry in arrays:
        kind = entry["path"].partition(".")[2]
        try:
            check(folder, entry)
            checked[kind] += 1
        except (OSError, KeyError, ValueError, MismatchError) as error:
            problems.append(f"{entry['path']}: {error}")
    for kind, count in checked.items():
        print(f"{kind:<8} {count:>4} arrays  ok")
    return problems


def main() -> int:
    """Check the folder named on the command line."""
    parser = argparse.ArgumentParser(description="Compare written arrays with raw numbers.")
    parser.add_argument("folder", type=Path, help="folder with sinks.json and the arrays")
    folder = parser.parse_args().folder
    warnings.simplefilter("error")
    arrays = json.loads((folder / "sinks.json").read_text())
    problems = check_all(folder, arrays)
    for problem in problems:
        print(problem, file=sys.stderr)
    if not arrays:
        print(f"{folder / 'sinks.json'}: expected at least one array", file=sys.stderr)
    return 1 if problems or not arrays else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Compare maps that voxstore computed with those of nibabel and numpy.

    python tests/interop/check_maps.py FOLDER

FOLDER holds `maps.json`, a list of series,

    [{"name": "fmri1", "inputs": ["../fixtures/nitime/fmri1.nii.gz"]}, ...]

with the inputs of each (joined along time in this order; relative paths count from FOLDER), and
for each name three maps `<name>.mean.f64`, `<name>.std.f64` (ddof 0) and `<name>.tsnr.f64`: raw
little-endian float64 in Fortran order (x fastest, then y, then z).

Where the values of a voxel vary, mean, std and tSNR must agree to 1e-12, relative to the mean of
|value| for the mean (the mean itself, in a signal that is never negative). Where the values are
not exact integers (floats, or a slope and intercept), numbers near the mean carry rounding errors
of their own, so there std and tSNR are allowed 1e-12 * max(1, mean / std). Where all values are
equal, std must be exactly 0 and tSNR 0, inf or NaN. NaN and inf must stand where numpy has them.

Prints a line per map and exits with 1 when a map differs, naming the first voxel of each.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fixtures" / "golden"))
from reference import Map, Statistics, load, statistics

TOLERANCE = 1e-12


def is_exact(image: nibabel.Nifti1Image) -> bool:
    """Whether the values of a run are integers, as stored."""
    stored = image.get_data_dtype()
    return stored.kind in "iu" and image.dataobj.slope == 1 and image.dataobj.inter == 0


def tolerances(stats: Statistics, exact: bool) -> dict[str, Map]:
    """Absolute error allowed for each map, voxel by voxel."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = stats.mean_abs / stats.std
    condition = 1.0 if exact else np.fmax(ratio, 1.0)
    with np.errstate(invalid="ignore"):
        return {
            "mean": TOLERANCE * stats.mean_abs,
            "std": TOLERANCE * np.where(stats.constant, 0.0, stats.std * condition),
            "tsnr": TOLERANCE * ratio * condition,
        }


def read_map(path: Path, grid: Sequence[int]) -> Map:
    """Read a raw map of the given extents."""
    wanted = 8 * int(np.prod(grid))
    found = path.stat().st_size
    if found != wanted:
        raise ValueError(f"{path}: expected {wanted} bytes for {tuple(grid)}, found {found}")
    return np.fromfile(path, "<f8").reshape(grid, order="F")


def wrong(kind: str, found: Map, stats: Statistics, allowed: Map) -> NDArray[np.bool_]:
    """Voxels of a map that differ by more than allowed."""
    expected: Map = getattr(stats, kind)
    with np.errstate(invalid="ignore"):
        near = np.abs(found - expected) <= allowed
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    if kind == "tsnr":
        undefined = (found == 0) | ~np.isfinite(found)
        return np.where(stats.constant, ~undefined, ~(near | same))
    return ~(near | same)


def largest_error(found: Map, expected: Map) -> float:
    """Largest relative error where both are finite and not 0."""
    compared = np.isfinite(found) & np.isfinite(expected) & (expected != 0)
    relative = np.abs(found[compared] / expected[compared] - 1)
    return float(relative.max(initial=0.0))


def check_series(folder: Path, name: str, inputs: Sequence[str]) -> list[str]:
    """Compare the maps of one series, print a line for each, and return what is wrong."""
    images = load([folder / path for path in inputs])
    stats = statistics(images)
    allowed = tolerances(stats, all(is_exact(image) for image in images))
    problems = []
    for kind, tolerance in allowed.items():
        path = folder / f"{name}.{kind}.f64"
        found = read_map(path, stats.mean.shape)
        expected: Map = getattr(stats, kind)
        bad = wrong(kind, found, stats, tolerance)
        error = largest_error(found, expected)
        verdict = "DIFFERS" if bad.any() else "ok"
        constant = int(stats.constant.sum())
        print(f"{name:<50} {kind:<5} {found.size:>9} {constant:>9} {error:>9.1e}  {verdict}")
        if bad.any():
            voxel = tuple(int(i) for i in np.argwhere(bad)[0])
            note = " (all values equal)" if stats.constant[voxel] else ""
            problems.append(
                f"{path}: voxel (x, y, z) = {voxel}{note}: expected {float(expected[voxel])!r}, "
                f"found {float(found[voxel])!r}; {int(bad.sum())} of {bad.size} voxels differ"
            )
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare maps with nibabel and numpy.")
    parser.add_argument("folder", type=Path, help="folder with maps.json and the maps")
    folder = parser.parse_args().folder
    series = json.loads((folder / "maps.json").read_text())
    print(f"{'series':<50} {'map':<5} {'voxels':>9} {'constant':>9} {'error':>9}")
    problems = []
    for entry in series:
        try:
            problems += check_series(folder, entry["name"], entry["inputs"])
        except (OSError, ValueError) as error:
            problems.append(f"{entry['name']}: {error}")
    for problem in problems:
        print(problem, file=sys.stderr)
    if not series:
        print(f"{folder / 'maps.json'}: expected at least one series, found none", file=sys.stderr)
    return 1 if problems or not series else 0


if __name__ == "__main__":
    sys.exit(main())

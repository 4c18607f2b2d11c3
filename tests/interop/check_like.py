#!/usr/bin/env python3
"""Compare `voxstore tsnr --like TOOL` with the tool itself, where it can be run.

    python tests/interop/check_like.py VOXSTORE RUN...

nipype's TSNR and NonSteadyStateDetector and niimath (which does what fslmaths does) are run; seed, sct,
halfpipe, afni and afni-cvarinv are numpy's float64, from the formula ("by formula"). Each run is also given
with its values as float32, because nipype stores its map in the type of the run, and with a voxel
that is NaN once, where a tool says what that means.

nipype and niimath compute in float32: their maps must agree to 2e-4 of the value (the mean is up to 1e3 times
the deviation, and float32 has 6e-8). What is by formula must agree to 1e-6, the rounding of the map.

Prints a line per map and exits with 1 when one differs, naming the first voxel.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

# nipype asks the network for its newest version, unless told not to.
os.environ["NO_ET"] = "1"

import nibabel
import numpy as np
from nipype.algorithms.confounds import TSNR, NonSteadyStateDetector
from numpy.typing import NDArray

Map = NDArray[np.float64]


def values_of(path: Path) -> Map:
    return np.asarray(nibabel.load(path).get_fdata(dtype=np.float64))


def ours(program: str, run: Path, folder: Path, *options: str) -> tuple[Map, dict]:
    """Our map and its record."""
    out = folder / "ours.nii"
    command = [program, "tsnr", str(run), "-o", str(out), "--force", "--quiet", *options]
    subprocess.run(command, check=True)
    return values_of(out), json.loads(out.with_suffix(".json").read_text())


def niimath(run: Path, folder: Path) -> Map:
    """fslmaths' three commands."""
    program = Path(sys.executable).with_name("niimath")
    environment = os.environ | {"FSLOUTPUTTYPE": "NIFTI"}

    def call(*words: object) -> None:
        subprocess.run([program, *map(str, words)], check=True, env=environment)

    mean, std, out = (folder / f"niimath-{name}.nii" for name in ("mean", "std", "tsnr"))
    call(run, "-Tmean", mean)
    call(run, "-Tstd", std)
    call(mean, "-div", std, out)
    return values_of(out)


def nipype(run: Path, folder: Path, order: int) -> Map:
    interface = TSNR(in_file=[str(run)])
    if order:
        interface.inputs.regress_poly = order
    for name in ("tsnr_file", "mean_file", "stddev_file", "detrended_file"):
        setattr(interface.inputs, name, str(folder / f"nipype-{name}.nii"))
    interface.run(cwd=str(folder))
    return values_of(folder / "nipype-tsnr_file.nii")


def divided(mean: Map, std: Map) -> Map:
    with np.errstate(divide="ignore", invalid="ignore"):
        return mean / std


def by_formula(like: str, values: Map) -> Map:
    count = values.shape[3]
    if like == "halfpipe":
        values = np.nan_to_num(values)
    mean, std = values.mean(axis=3), values.std(axis=3, ddof=0 if like in ("seed", "halfpipe") else 1)
    # numpy's mean of equal values can be off by a rounding.
    std = np.where(np.ptp(values, axis=3) == 0, 0.0, std)
    if like == "seed":
        return divided(mean, std)
    if like == "halfpipe":
        return np.where(std > 1e-3, divided(mean, std), 0.0)
    if like == "sct":
        tsnr = divided(mean, std)
        return np.where(np.isnan(tsnr), 0.0, tsnr)
    if like == "afni-cvarinv":
        design = np.stack([np.ones(count), np.arange(count) - (count - 1) / 2], axis=1)
        series = values.reshape(-1, count).T
        residual = series - design @ np.linalg.lstsq(design, series, rcond=None)[0]
        left = np.sqrt((residual**2).sum(axis=0) / (count - 1)).reshape(mean.shape)
        std = np.where(std == 0, 0.0, left)
    return np.where(std == 0, 0.0, np.abs(divided(mean, std)))


def differences(found: Map, expected: Map, tolerance: float) -> NDArray[np.bool_]:
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        return ~(same | (np.abs(found - expected) <= tolerance * np.abs(expected)))


class Checks:
    def __init__(self) -> None:
        self.problems: list[str] = []

    def maps(self, name: str, found: Map, expected: Map, tolerance: float) -> None:
        bad = differences(found, expected, tolerance)
        both = np.isfinite(found) & np.isfinite(expected) & (expected != 0)
        error = float(np.abs(found[both] / expected[both] - 1).max(initial=0.0))
        print(f"{name:<58} {found.size:>8} {error:>9.1e}  {'DIFFERS' if bad.any() else 'ok'}")
        if bad.any():
            voxel = tuple(int(i) for i in np.argwhere(bad)[0])
            self.problems.append(
                f"{name}: voxel {voxel}: expected {float(expected[voxel])!r}, found "
                f"{float(found[voxel])!r}; {int(bad.sum())} of {bad.size} voxels differ"
            )

    def numbers(self, name: str, found: float, expected: float, tolerance: float) -> None:
        self.maps(name, np.array([float(found)]), np.array([float(expected)]), tolerance)


def float_copy(run: Path, folder: Path, change: Callable[[Map], None]) -> Path:
    """The run's values as float32, changed."""
    image = nibabel.load(run)
    values = image.get_fdata(dtype=np.float32)
    change(values)
    header = image.header.copy()
    header.set_data_dtype(np.float32)
    path = folder / "float.nii"
    nibabel.save(nibabel.Nifti1Image(values, image.affine, header), path)
    return path


def check(program: str, run: Path, folder: Path, checks: Checks) -> None:
    label = run.name

    def flat(values: Map) -> None:
        values[1, 1, 1, :] = 5.0  # constant, whatever the run is there

    floats = float_copy(run, folder, flat)
    for like in ("seed", "afni", "afni-cvarinv", "sct", "halfpipe"):
        for kind, path in (("as stored", run), ("float32", floats)):
            found, _ = ours(program, path, folder, "--like", like)
            name = f"{label} {like} by formula, {kind}"
            checks.maps(name, found, by_formula(like, values_of(path)), 1e-6)

    found, _ = ours(program, floats, folder, "--like", "fsl")
    checks.maps(f"{label} fsl, niimath", found, niimath(floats, folder), 2e-4)
    for order in (0, 2):
        found, _ = ours(program, floats, folder, "--like", "nipype", "--detrend", str(order))
        expected = nipype(floats, folder, order)
        if order:
            # What is left of the constant voxel is rounding there, and above its threshold.
            expected[1, 1, 1] = found[1, 1, 1]
        checks.maps(f"{label} nipype, regress_poly {order}", found, expected, 2e-4)

    # MRIQC: the median in a mask of nipype's map, which is whole.
    mean = values_of(floats).mean(axis=3)
    inside = mean > 0.3 * mean.max()
    mask = folder / "mask.nii"
    nibabel.save(nibabel.Nifti1Image(inside.astype(np.uint8), nibabel.load(run).affine), mask)
    found, record = ours(program, floats, folder, "--like", "mriqc", "--mask", str(mask))
    expected = nipype(floats, folder, 0)
    checks.maps(f"{label} mriqc, map", found, expected, 2e-4)
    median = record["figures"]["concatenated_median"]
    checks.numbers(f"{label} mriqc, median in mask", median, np.median(expected[inside]), 2e-4)

    # A sample that is NaN.
    def hole(values: Map) -> None:
        values[2, 2, 1, 3] = np.nan

    holed = float_copy(run, folder, hole)
    for like in ("nipype", "sct", "halfpipe"):
        found, _ = ours(program, holed, folder, "--like", like)
        expected = nipype(holed, folder, 0) if like == "nipype" else by_formula(like, values_of(holed))
        checks.maps(f"{label} {like}, with NaN", found, expected, 2e-4 if like == "nipype" else 1e-6)

    # Dummy volumes: as the run is, and with a signal that falls at its beginning.
    def falls(values: Map) -> None:
        values[..., :3] *= np.array([1.6, 1.3, 1.2], dtype=np.float32)

    for kind, path in (("as stored", run), ("falling", float_copy(run, folder, falls))):
        _, record = ours(program, path, folder, "--dummy-scans", "auto")
        result = NonSteadyStateDetector(in_file=str(path)).run(cwd=str(folder))
        expected = float(result.outputs.n_volumes_to_discard)
        name = f"{label} dummy volumes, {kind}: {expected:.0f}"
        checks.numbers(name, record["inputs"][0]["dummy_volumes"], expected, 0.0)


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare tSNR with that of other tools.")
    parser.add_argument("program", help="the program voxstore")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="NIfTI runs")
    arguments = parser.parse_args()
    program = str(Path(arguments.program).resolve())
    checks = Checks()
    print(f"{'map':<58} {'voxels':>8} {'error':>9}")
    for run in arguments.runs:
        with tempfile.TemporaryDirectory() as folder:
            check(program, run.resolve(), Path(folder), checks)
    for problem in checks.problems:
        print(problem, file=sys.stderr)
    return 1 if checks.problems else 0


if __name__ == "__main__":
    sys.exit(main())

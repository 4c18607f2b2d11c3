#!/usr/bin/env python3
"""Compare `voxstore qc` with nipype's compute_dvars, which fMRIPrep and MRIQC call.

    python tests/interop/check_qc.py VOXSTORE RUN...

nipype runs with remove_zerovariance as in fMRIPrep, and without its scaling to a median of 1000; with it, its
dvars must be ours times 1000 over that median. Global signal is numpy's mean; outliers are counted by the
formula of AFNI's 3dToutcount ("by formula"). The mask is the program's default, made here by numpy.

nipype computes in float32: its figures must agree to 1e-4. The others must agree to 1e-9.

Prints a line per figure and exits with 1 when one differs, naming the first volume.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# nipype asks the network for its newest version, unless told not to.
os.environ["NO_ET"] = "1"

import nibabel
import numpy as np
from nipype.algorithms.confounds import compute_dvars
from scipy.stats import median_abs_deviation, norm


def ours(program: str, run: Path, mask: Path, folder: Path) -> dict[str, np.ndarray]:
    out = folder / "qc.tsv"
    command = [program, "qc", run, "-o", out, "--mask", mask, "--force", "--quiet"]
    subprocess.run(command, check=True)
    with out.open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    number = {"n/a": np.nan}
    return {key: np.array([number.get(row[key]) or float(row[key]) for row in rows]) for key in rows[0]}


def theirs(run: Path, mask: Path) -> dict[str, tuple[np.ndarray, float]]:
    """Figures, each with the relative difference that is none."""
    values = nibabel.load(run).get_fdata(dtype=np.float64)
    series = values[nibabel.load(mask).get_fdata() > 0]
    std, plain, vstd = compute_dvars(run, mask, remove_zerovariance=True, intensity_normalization=0)
    _, scaled, _ = compute_dvars(run, mask, remove_zerovariance=True)
    first = [np.nan]
    median = np.median(series, axis=1, keepdims=True)
    limit = norm.isf(0.001 / series.shape[1]) * np.sqrt(np.pi / 2) * median_abs_deviation(series, axis=1)
    far = (np.abs(series - median) > limit[:, None]) & (limit > 0)[:, None]
    return {
        "global_signal": (series.mean(axis=0), 1e-9),
        "dvars": (np.r_[first, plain], 1e-4),
        "dvars scaled": (np.r_[first, scaled] * np.median(series) / 1000, 1e-4),
        "std_dvars": (np.r_[first, std], 1e-4),
        "dvars_vstd": (np.r_[first, vstd], 1e-4),
        "outlier_fraction": (far.mean(axis=0), 1e-9),
    }


def make_mask(run: Path, folder: Path) -> Path:
    image = nibabel.load(run)
    values = image.get_fdata(dtype=np.float64)
    mean, std = values.mean(axis=-1), values.std(axis=-1)
    inside = (std > 0) & (mean > 0.2 * mean[std > 0].max())
    path = folder / "mask.nii"
    nibabel.save(nibabel.Nifti1Image(inside.astype(np.uint8), image.affine), path)
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("voxstore")
    parser.add_argument("runs", nargs="+", type=Path)
    arguments = parser.parse_args()
    wrong = 0
    for run in arguments.runs:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            mask = make_mask(run, folder)
            found = ours(arguments.voxstore, run, mask, folder)
            for figure, (want, tolerance) in theirs(run, mask).items():
                got = found[figure.split()[0]]
                near = np.isclose(got, want, rtol=tolerance, atol=1e-12, equal_nan=True)
                if near.all():
                    with np.errstate(divide="ignore", invalid="ignore"):
                        apart = np.nanmax(np.abs(got / want - 1), initial=0, where=want != 0)
                    print(f"ok   {run.name} {figure}: {len(got)} volumes, at most {apart:.1e} apart")
                else:
                    at = int(np.flatnonzero(~near)[0])
                    print(f"DIFF {run.name} {figure}: volume {at}: expected {want[at]}, found {got[at]}")
                    wrong += 1
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())

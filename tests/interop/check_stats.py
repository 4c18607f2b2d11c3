#!/usr/bin/env python3
"""Compare `voxstore stats` with numpy, region by region.

    python tests/interop/check_stats.py VOXSTORE RUN...

The map is the tSNR of each run, and a float64 made of it with NaN, infinities, zeros and negative values. The
atlases are made: blocks of the grid, sparse and negative labels, regions of one voxel, int16 with slope 1, int32,
and float32. Counts, min and max must be the same; mean, sd and quantiles agree to 1e-12 of the largest value.

Prints a line per map and atlas and exits with 1 when one differs, naming the first region.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

QUANTILES = {"p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}


def expected(values: NDArray[np.float64]) -> dict[str, float]:
    finite = values[np.isfinite(values)]
    found = {
        "voxels": values.size,
        "nan": values.size - finite.size,
        "zeros": np.count_nonzero(finite == 0),
    }
    names = ["mean", "sd", "min", "max", *QUANTILES]
    found |= dict.fromkeys(names, np.nan)
    if finite.size:
        found |= {"mean": finite.mean(), "min": finite.min(), "max": finite.max()}
        found |= {name: np.quantile(finite, q) for name, q in QUANTILES.items()}
    if finite.size > 1:
        found["sd"] = finite.std(ddof=1)
    return found


def first_difference(map_path: Path, atlas_path: Path, rows: list[dict[str, str]]) -> str | None:
    values = nibabel.load(map_path).get_fdata(dtype=np.float64)
    labels = nibabel.load(atlas_path).get_fdata(dtype=np.float64).astype(np.int64)
    present = [int(label) for label in np.unique(labels) if label != 0]
    if [int(row["label"]) for row in rows] != present:
        return f"labels {[row['label'] for row in rows]}, expected {present}"
    for row in rows:
        region = values[labels == int(row["label"])]
        largest = np.abs(region[np.isfinite(region)]).max(initial=0)
        for column, want in expected(region).items():
            got = np.nan if row[column] == "n/a" else float(row[column])
            allowed = 1e-12 * largest if column in ("mean", "sd", *QUANTILES) else 0
            if not (np.isnan(got) and np.isnan(want)) and not abs(got - want) <= allowed:
                return f"label {row['label']}, {column}: {got!r}, expected {want!r}"
    return None


def atlases(shape: tuple[int, ...], rng: np.random.Generator) -> dict[str, NDArray]:
    x, y, z = np.indices(shape)
    blocks = (x * 3 // shape[0] + 3 * (y * 3 // shape[1]) + 9 * (z * 2 // shape[2])).astype(np.int16)
    sparse = rng.choice(np.array([0, -7, 2, 1001, 2_000_000_011], dtype=np.int32), size=shape)
    single = np.zeros(shape, dtype=np.float32)
    single.flat[:: max(1, single.size // 50)] = np.arange(1, 1 + len(single.flat[:: max(1, single.size // 50)]))
    return {"blocks": blocks, "sparse": sparse, "single": single}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("runs", nargs="+", type=Path)
    args = parser.parse_args()
    failed = False
    for run in args.runs:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            tsnr, odd, table = folder / "tsnr.nii.gz", folder / "odd.nii", folder / "roi.tsv"
            subprocess.run([args.program, "tsnr", run, "-o", tsnr, "--quiet"], check=True)
            image = nibabel.load(tsnr)
            values = image.get_fdata(dtype=np.float64)
            rng = np.random.default_rng(1)
            holes = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-300]
            values = np.where(rng.random(values.shape) < 0.3, rng.choice(holes, values.shape), values - 20)
            nibabel.save(nibabel.Nifti1Image(values, image.affine), odd)
            for kind, labels in atlases(image.shape, rng).items():
                atlas = folder / f"{kind}.nii.gz"
                nibabel.save(nibabel.Nifti1Image(labels, image.affine), atlas)
                for map_path in (tsnr, odd):
                    command = [args.program, "stats", map_path, "--atlas", atlas, "-o", table]
                    subprocess.run([*command, "--force", "--quiet"], check=True)
                    with table.open(newline="") as lines:
                        rows = list(csv.DictReader(lines, delimiter="\t"))
                    fault = first_difference(map_path, atlas, rows)
                    failed |= fault is not None
                    print(f"{run.name} {map_path.name} {kind}: {fault or f'{len(rows)} regions agree'}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

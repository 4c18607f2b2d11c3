#!/usr/bin/env python3
"""Open the parts of `voxstore tsnr|reduce --shard I/3` with zarr-python, and compare every sum and median with numpy.

    python tests/interop/check_parts.py VOXSTORE RUN...

Each run is computed in three shards, from the file and from a store of it. Sums of integers must be those of numpy in
int64, and of floats those of a loop over volumes in float64, bit for bit; medians those of numpy. The planes of all parts must
be the run.

Prints a line per run and exits with 1 when one differs, naming the part and the array.
"""

import argparse
import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel
import numpy as np
import zarr
from numpy.typing import NDArray

SHARDS = 3


def expected(voxels: NDArray) -> dict[str, NDArray]:
    """What is kept of samples (x, y, z, t), each (z, y, x)."""
    volumes = voxels.T
    if volumes.dtype.kind != "f":
        wide = volumes.astype(np.int64)
        return {"sum": wide.sum(axis=0), "squares": (wide * wide).sum(axis=0)}
    volumes = volumes.astype(np.float64)
    shift = np.where(np.isfinite(volumes[0]), volumes[0], 0.0)
    total, squares = np.zeros_like(shift), np.zeros_like(shift)
    for volume in volumes:
        total += volume - shift
        squares += (volume - shift) ** 2
    return {"shift": shift, "sum": total, "squares": squares}


def integers(array: NDArray) -> NDArray:
    """A component of integers as int64; its low words where it has two."""
    if array.ndim == 4:
        assert not array[1].any(), "a sum beyond 64 bits"
        array = array[0]
    return array.astype(np.int64)


def median(scaled: NDArray) -> dict[str, NDArray]:
    """What is kept of true values (x, y, z, t) for their median, (z, y, x)."""
    return {"value": np.median(scaled.T, axis=0)}


def first_difference(parts: Path, want: dict[str, NDArray]) -> str | None:
    planes = np.zeros(len(next(iter(want.values()))), dtype=int)
    for path in sorted(parts.iterdir()):
        group = zarr.open_group(path, mode="r")
        attributes = group.attrs["part"]
        if attributes["state_version"] != 1:
            return f"{path.name}: state_version {attributes['state_version']}"
        for run in attributes["runs"]:
            here = slice(run["start"], run["start"] + run["len"])
            planes[here] += 1
            names = [f"state-0.{name}" for name in run["states"][0]["components"]]
            if sorted(names) != sorted(f"state-0.{name}" for name in want):
                return f"{path.name}: {names}"
            for name in names:
                got = np.asarray(group[run["group"]][name])
                values = want[name.split(".")[1]][here]
                got = integers(got) if values.dtype.kind == "i" else got
                if not np.array_equal(got, values, equal_nan=values.dtype.kind == "f"):
                    return f"{path.name}: {run['group']}/{name}"
    return None if (planes == 1).all() else f"planes {planes}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("voxstore", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    args = parser.parse_args()
    failed = False
    for run in args.runs:
        data = nibabel.load(run).dataobj
        jobs = [(["tsnr"], expected(data.get_unscaled())), (["reduce", "median"], median(np.asarray(data)))]
        with tempfile.TemporaryDirectory() as folder:
            store = Path(folder) / "study.zarr"
            ingest = ["ingest", run, "-o", store, "--chunk", "8,2", "--quiet"]
            subprocess.run([args.voxstore, *ingest], check=True)
            for source, (job, want) in itertools.product([run, store], jobs):
                parts = Path(folder) / f"{job[-1]} of {source.name}"
                for shard in range(SHARDS):
                    more = ["--shard", f"{shard}/{SHARDS}", "-o", parts, "--quiet"]
                    subprocess.run([args.voxstore, *job, source, *more], check=True, stderr=subprocess.DEVNULL)
                difference = first_difference(parts, want)
                failed |= difference is not None
                print(f"{' '.join(job)} of {run.name}, from {source.name}: {difference or 'the same'}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

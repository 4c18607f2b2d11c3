"""tSNR from a store, runs joined.

python tsnr_store.py tensorstore|dask|xarray|cubed MAP.npy STORE [ALLOWED_MEMORY]
"""

import sys
import tempfile
from collections import deque
from pathlib import Path

import numpy as np
from stores import arrays, open_tensorstore

READS_AHEAD = 4


def by_tensorstore(store: Path) -> np.ndarray:
    """One-pass numpy over columns of chunks; tensorstore's threads decode the next ones meanwhile."""
    from moments import Moments

    series = [open_tensorstore(array) for array in arrays(store)]
    _, planes, height, width = series[0].shape
    depth, chunk_planes, *_ = series[0].chunk_layout.read_chunk.shape

    columns = [slice(z, min(z + chunk_planes, planes)) for z in range(0, planes, chunk_planes)]
    boxes = (
        (column, run[t : min(t + depth, run.shape[0]), column])
        for column in columns
        for run in series
        for t in range(0, run.shape[0], depth)
    )
    sums: dict[int, Moments] = {}
    under_way: deque = deque()

    def take() -> None:
        column, read = under_way.popleft()
        volumes = read.result()
        volumes = volumes.reshape(len(volumes), -1)
        moments = sums.setdefault(column.start, Moments(volumes[0]))
        moments.add(volumes)

    for column, box in boxes:
        under_way.append((column, box.read(order="C")))
        if len(under_way) == READS_AHEAD:
            take()
    while under_way:
        take()
    parts = [sums[column.start].tsnr().reshape(-1, height, width) for column in columns]
    return np.concatenate(parts)


def by_dask(store: Path) -> np.ndarray:
    import dask.array as da

    arr = da.concatenate([da.from_zarr(str(array)) for array in arrays(store)], 0)
    return (arr.mean(0) / arr.std(0)).compute()


def by_xarray(store: Path) -> np.ndarray:
    import xarray

    runs = [xarray.open_zarr(array.parent, chunks={})["0"] for array in arrays(store)]
    arr = xarray.concat(runs, "t")
    return (arr.mean("t") / arr.std("t")).compute().values


def by_cubed(store: Path, allowed_memory: str) -> np.ndarray:
    import cubed
    import cubed.array_api as xp

    with tempfile.TemporaryDirectory(dir=Path(sys.argv[2]).parent) as folder:
        spec = cubed.Spec(work_dir=folder, allowed_mem=allowed_memory, executor_name="threads")
        runs = [cubed.from_zarr(str(array), spec=spec) for array in arrays(store)]
        arr = xp.astype(runs[0] if len(runs) == 1 else xp.concat(runs, axis=0), xp.float64)
        return (xp.mean(arr, axis=0) / xp.std(arr, axis=0)).compute()


way, out, store, *allowed = sys.argv[1:]
ways = {"tensorstore": by_tensorstore, "dask": by_dask, "xarray": by_xarray, "cubed": by_cubed}
np.save(out, ways[way](Path(store), *allowed).T)

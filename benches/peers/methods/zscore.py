"""The z-score of a stored run as float32 Zarr, in pieces.

python zscore.py dask|cubed OUT STORE [ALLOWED_MEMORY]
"""

import sys
import tempfile
from pathlib import Path

from stores import arrays, begin_float32_like, stem


def by_dask(source: Path, out: Path) -> None:
    """Moments first, then a second pass; in one graph dask would keep all voxels between the two."""
    import dask
    import dask.array as da
    import zarr

    x = da.from_zarr(str(source))
    mean, std = dask.compute(x.mean(0), x.std(0))
    z = ((x - mean) / std).astype("float32")
    begin_float32_like(source, out)
    z.store(zarr.open_array(out, mode="r+"), lock=False)  # as `to_zarr` into an array that it makes


def by_cubed(source: Path, out: Path, allowed_memory: str) -> None:
    import cubed
    import cubed.array_api as xp

    with tempfile.TemporaryDirectory(dir=out.parent.parent) as folder:
        spec = cubed.Spec(work_dir=folder, allowed_mem=allowed_memory, executor_name="threads")
        x = xp.astype(cubed.from_zarr(str(source), spec=spec), xp.float64)
        mean, std = (f(x, axis=0, keepdims=True) for f in (xp.mean, xp.std))
        z = xp.astype((x - mean) / std, xp.float32)
        cubed.to_zarr(z, str(out))


way, out, store, *allowed = sys.argv[1:]
source = arrays(Path(store))[0]
{"dask": by_dask, "cubed": by_cubed}[way](source, Path(out) / stem(source.parent), *allowed)

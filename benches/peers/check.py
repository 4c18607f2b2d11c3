"""Whether numbers agree: maps with numpy in float64, stores and z-scores voxel for voxel.

python check.py reference MAP.npy RUN.nii...            # the map that the others are held against
python check.py tsnr REFERENCE.npy MAP RELATIVE [N]     # N: the deviation was divided by N - 1, not N
python check.py store STORE RUN.nii...
python check.py zscore RUN.nii ARRAY ABSOLUTE

Exits with 1 after saying what differs.
"""

import math
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent / "methods"))
from runs import nibabel, open_run
from stores import array_of, open_tensorstore, stem

LEAST_TSNR = 1e-3  # below it, errors are relative to this


def voxels(path: Path) -> NDArray:
    """The voxels of a plain NIfTI file, mapped, (t, z, y, x)."""
    run = open_run(path)
    return np.memmap(run.path, run.dtype, "r", run.offset_bytes, run.shape[::-1])


def reference(out: Path, files: list[Path]) -> None:
    """Mean over deviation of the population, plane by plane, two passes of numpy."""
    runs = [voxels(path) for path in files]
    tsnr = np.empty(runs[0].shape[1:])
    for plane in range(len(tsnr)):
        series = np.concatenate([run[:, plane] for run in runs]).astype(np.float64)
        with np.errstate(all="ignore"):
            tsnr[plane] = series.mean(0) / series.std(0)
    np.save(out, tsnr.T)


def check_tsnr(expected: Path, found: Path, relative: float, count: int | None) -> None:
    wanted = np.load(expected)
    got = np.load(found) if found.suffix == ".npy" else nibabel.load(found).get_fdata()
    if got.shape != wanted.shape:
        sys.exit(f"{found}: expected shape {wanted.shape}, found {got.shape}")
    if count is not None:
        got = got * math.sqrt(count / (count - 1))
    defined = np.isfinite(wanted)
    size = np.maximum(np.abs(wanted[defined]), LEAST_TSNR)
    error = (np.abs(got[defined] - wanted[defined]) / size).max()
    if not error <= relative:
        sys.exit(f"{found}: expected tSNR within {relative:g}, found it {error:g} apart")
    print(f"largest relative error {error:.1e}, allowed {relative:g}")


def check_store(store: Path, files: list[Path]) -> None:
    for path in files:
        wanted = voxels(path)
        array = open_tensorstore(array_of(store, stem(path)))
        if tuple(array.shape) != wanted.shape:
            sys.exit(f"{store}: expected shape {wanted.shape} of {path.name}, found {array.shape}")
        depth = array.chunk_layout.read_chunk.shape[0]
        for first in range(0, len(wanted), depth):
            part = slice(first, min(first + depth, len(wanted)))
            if not np.array_equal(array[part].read().result(), wanted[part]):
                sys.exit(f"{store}: volumes from {first} differ from those of {path.name}")
    print(f"{len(files)} runs, voxel for voxel")


def check_zscore(path: Path, found: Path, absolute: float) -> None:
    x, z = voxels(path), open_tensorstore(found)
    t_axis = z.shape.index(len(x))  # (t, z, y, x) or (x, y, z, t)
    apart = 0.0
    planes = z.chunk_layout.read_chunk.shape[1 if t_axis == 0 else 2]
    for first in range(0, x.shape[1], planes):
        part = slice(first, min(first + planes, x.shape[1]))
        series = x[:, part].astype(np.float64)
        wanted = (series - series.mean(0)) / series.std(0)
        got = z[:, part] if t_axis == 0 else z[:, :, part]
        got = got.read().result()
        apart = max(apart, float(np.abs((got if t_axis == 0 else got.T) - wanted).max()))
    if not apart <= absolute:
        sys.exit(f"{found}: expected z within {absolute:g}, found it {apart:g} apart")
    print(f"largest error {apart:.1e}, allowed {absolute:g}")


what, first, *rest = sys.argv[1:]
match what:
    case "reference":
        reference(Path(first), [Path(path) for path in rest])
    case "tsnr":
        check_tsnr(Path(first), Path(rest[0]), float(rest[1]), int(rest[2]) if rest[2:] else None)
    case "store":
        check_store(Path(first), [Path(path) for path in rest])
    case "zscore":
        check_zscore(Path(first), Path(rest[0]), float(rest[1]))
    case _:
        sys.exit(f"expected reference, tsnr, store or zscore, found {what}")

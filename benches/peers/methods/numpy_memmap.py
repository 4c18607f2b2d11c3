"""tSNR by numpy over mapped files, in slabs of voxels by two threads.

python numpy_memmap.py MAP.npy RUN.nii...
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from moments import BLOCK_VOXELS, Moments
from runs import open_run, save_map

SLAB_VOXELS = 4 * BLOCK_VOXELS
VOLUMES = 64

out, *names = sys.argv[1:]
files = [open_run(Path(name)) for name in names]
mapped = [
    np.memmap(run.path, run.dtype, "r", run.offset_bytes, (run.shape[3], run.voxels))
    for run in files
]


def slab(first: int) -> np.ndarray:
    part = slice(first, first + SLAB_VOXELS)
    moments = Moments(mapped[0][0, part])
    for volumes in mapped:
        for time in range(0, len(volumes), VOLUMES):
            moments.add(volumes[time : time + VOLUMES, part])
    return moments.tsnr()


with ThreadPoolExecutor(2) as pool:
    parts = list(pool.map(slab, range(0, files[0].voxels, SLAB_VOXELS)))
save_map(out, np.concatenate(parts), files[0].shape)

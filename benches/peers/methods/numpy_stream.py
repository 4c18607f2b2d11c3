"""tSNR by numpy over streams of volumes, two runs at a time, the longest first.

python numpy_stream.py isal|isal-threaded|rapidgzip|none MAP.npy RUN.nii.gz...
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from pathlib import Path

from moments import Moments
from runs import Run, open_run, save_map, slabs

VOLUMES = 16


def moments_of(run: Run, inflater: str) -> Moments:
    moments = None
    for _, volumes in slabs(run, inflater, VOLUMES):
        if moments is None:
            moments = Moments(volumes[0])
        moments.add(volumes)
    assert moments is not None, f"{run.path}: no volume"
    return moments


def joined(one: Moments, other: Moments) -> Moments:
    one.join(other)
    return one


inflater, out, *names = sys.argv[1:]
files = sorted((open_run(Path(n)) for n in names), key=lambda run: run.shape[3], reverse=True)
with ThreadPoolExecutor(2) as pool:
    all_runs = reduce(joined, pool.map(lambda run: moments_of(run, inflater), files))
save_map(out, all_runs.tsnr(), files[0].shape)

"""tSNR by dask over runs as stored, cut into slabs of volumes: the tutorial's array with less memory.

python dask_runs.py MAP.npy RUN.nii.gz...
"""

import sys

import dask.array as da
import numpy as np
from dask import delayed
from runs import nibabel

out, *files = sys.argv[1:]
arrays = []
for path in files:
    image = nibabel.load(path)
    stored = delayed(np.asarray)(image.dataobj)
    whole = da.from_delayed(stored, image.shape, image.get_data_dtype())
    arrays.append(whole.rechunk((*image.shape[:3], 16)))
arr = da.concatenate(arrays, -1)
np.save(out, (arr.mean(-1) / arr.std(-1)).compute())

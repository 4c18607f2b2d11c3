"""The three programs of the tutorial that voxstore began with, cell by cell.

python seed.py eager|delayed|dask MAP.npy RUN.nii.gz...
"""

import sys

import numpy as np
import runs  # noqa: F401  nibabel without indexed_gzip

import nibabel as nib


def eager(fnames: list[str]) -> np.ndarray:
    data = []
    for fname in fnames:
        data.append(nib.load(fname).get_fdata())

    data = np.concatenate(data, -1)
    tsnr = data.mean(-1) / data.std(-1)
    return tsnr


def delayed(fnames: list[str]) -> np.ndarray:
    from dask import delayed

    delayed_get_fdata = delayed(nib.Nifti1Image.get_fdata)
    data = []
    for fname in fnames:
        data.append(delayed_get_fdata(nib.load(fname)))

    data = delayed(np.concatenate)(data, -1)
    tsnr = delayed(data.mean)(-1) / delayed(data.std)(-1)
    return tsnr.compute()


def dask(fnames: list[str]) -> np.ndarray:
    import dask.array as da
    from dask import delayed

    delayed_get_fdata = delayed(nib.Nifti1Image.get_fdata)
    delayed_arrays = []
    for fname in fnames:
        img = nib.load(fname)
        delayed_arrays.append(
            da.from_delayed(delayed_get_fdata(img), img.shape, img.get_data_dtype())
        )

    arr = da.concatenate(delayed_arrays, -1)
    tsnr = arr.mean(-1) / arr.std(-1)
    return tsnr.compute()


way, out, *fnames = sys.argv[1:]
np.save(out, {"eager": eager, "delayed": delayed, "dask": dask}[way](fnames))

"""A run of more than 2^32 voxels, sparse but for a few planted ones, and what must come of it.

    large.py make FOLDER             writes FOLDER/large.nii: 64x64x64x20000 uint8, 5.2 GB, sparse
    large.py check TSNR ARGMAX       holds the maps of it against the planted voxels
"""

import sys
from pathlib import Path

import nibabel
import numpy

GRID, VOLUMES = (64, 64, 64), 20_000
# x, y, z, volume: value. 16384 volumes are 2^32 voxels.
PLANTED = {
    (63, 63, 63, 19_999): 200,
    (1, 2, 3, 16_384): 100,
    (0, 0, 0, 16_383): 50,
    (5, 0, 0, 8_192): 7,
    (4, 4, 4, 0): 9,
}


def make(folder: Path) -> None:
    header = nibabel.Nifti1Header()
    header.set_data_shape((*GRID, VOLUMES))
    header.set_data_dtype(numpy.uint8)
    header.set_xyzt_units("mm", "sec")
    header["vox_offset"], header["magic"], header["sform_code"] = 352, b"n+1", 1
    for axis, name in enumerate(("srow_x", "srow_y", "srow_z")):
        header[name] = numpy.eye(4)[axis]
    with open(folder / "large.nii", "wb") as file:
        file.write(header.binaryblock + bytes(4))
        file.truncate(352 + VOLUMES * numpy.prod(GRID, dtype=int))
        for (x, y, z, volume), value in PLANTED.items():
            file.seek(352 + x + GRID[0] * (y + GRID[1] * (z + GRID[2] * volume)))
            file.write(bytes([value]))


def check(tsnr: Path, argmax: Path) -> None:
    want_tsnr, want_argmax = numpy.zeros(GRID), numpy.zeros(GRID)
    for (x, y, z, volume), value in PLANTED.items():
        series = numpy.zeros(VOLUMES)
        series[volume] = value
        want_tsnr[x, y, z] = series.mean() / series.std()
        want_argmax[x, y, z] = volume
    got = nibabel.load(tsnr).get_fdata()
    numpy.testing.assert_allclose(got, want_tsnr.astype(numpy.float32), rtol=1e-6, atol=0)
    numpy.testing.assert_array_equal(nibabel.load(argmax).get_fdata(), want_argmax)
    print(f"{len(PLANTED)} planted voxels are where they were planted, and nothing else is")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]))
    else:
        check(Path(sys.argv[2]), Path(sys.argv[3]))

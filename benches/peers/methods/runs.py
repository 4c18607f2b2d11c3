"""NIfTI runs as a hand-written program reads them: the header by nibabel, then volumes in order."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

# nibabel takes indexed_gzip where it finds it. `pip install nibabel` does not bring it, so only the
# one method that asks for it has it.
WITH_INDEX = "--indexed-gzip"
if WITH_INDEX not in sys.argv:
    sys.modules["indexed_gzip"] = None  # type: ignore[assignment]

import nibabel  # noqa: E402


class Run(NamedTuple):
    """Where the voxels of a run are."""

    path: Path
    shape: tuple[int, ...]  # x, y, z, t
    dtype: np.dtype
    offset_bytes: int

    @property
    def voxels(self) -> int:
        """Voxels of a volume."""
        return int(np.prod(self.shape[:3]))


def open_run(path: Path) -> Run:
    """Reads a header. What is measured works on stored numbers: a slope changes no tSNR."""
    image = nibabel.load(path)
    if image.dataobj.inter != 0:
        raise ValueError(f"{path}: expected intercept 0, found {image.dataobj.inter}")
    return Run(Path(path), image.shape, image.get_data_dtype(), image.dataobj.offset)


def open_bytes(path: Path, inflater: str) -> AbstractContextManager[IO[bytes]]:
    """The bytes of a NIfTI file, inflated by the library that is named."""
    match inflater:
        case "none":
            return open(path, "rb", buffering=0)
        case "isal":
            from isal import igzip

            return igzip.open(path, "rb")
        case "isal-threaded":  # inflates in a thread of its own
            from isal import igzip_threaded

            return igzip_threaded.open(path, "rb", threads=1)
        case "zlib-ng":
            from zlib_ng import gzip_ng

            return gzip_ng.open(path, "rb")
        case "zlib-ng-threaded":
            from zlib_ng import gzip_ng_threaded

            return gzip_ng_threaded.open(path, "rb", threads=1)
        case "rapidgzip":
            import rapidgzip

            return rapidgzip.open(str(path), parallelization=2)
    raise ValueError(f"expected an inflater, found {inflater}")


def slabs(run: Run, inflater: str, volumes: int) -> Iterator[tuple[int, NDArray]]:
    """Yields the number of a first volume, and `volumes` volumes (the last time fewer), one a row."""
    with open_bytes(run.path, inflater) as file:
        file.read(run.offset_bytes)
        for first in range(0, run.shape[3], volumes):
            count = min(volumes, run.shape[3] - first)
            data = file.read(count * run.voxels * run.dtype.itemsize)
            yield first, np.frombuffer(data, run.dtype).reshape(count, run.voxels)


def save_map(path: str, tsnr: NDArray, shape: tuple[int, ...]) -> None:
    """Saves a map of voxels in the order of the file as (x, y, z)."""
    np.save(path, tsnr.reshape(shape[2::-1]).T)

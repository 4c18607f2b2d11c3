"""The engine ``voxstore`` of xarray: ``xarray.open_dataset("bold.nii.gz", engine="voxstore")``.

A dataset of one variable, ``voxels`` ``(x, y, z, t)``, read when it is asked for. Coordinates are those of a store:
``x``, ``y``, ``z`` in mm along the voxel axes from the first voxel, ``t`` in seconds, or the volume's number where
the TR is unknown. The affine, which says where that is in the body, and the TR are attributes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from xarray import Dataset, Variable
from xarray.backends import BackendArray, BackendEntrypoint
from xarray.core import indexing

from ._array import LazyArray
from ._run import Run, Store
from ._run import open as open_path

AXES = ("x", "y", "z", "t")
ENDINGS = (".nii", ".nii.gz", ".hdr", ".img", ".hdr.gz", ".img.gz")


class VoxstoreBackend(BackendEntrypoint):
    """Opens NIfTI files, runs of stores, and stores of one run or with ``run=`` a name."""

    description = "NIfTI files and voxstore's stores, lazily, by voxstore"
    open_dataset_parameters = ("filename_or_obj", "drop_variables", "run", "memory", "threads")

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        run: str | None = None,
        memory: int | str | None = None,
        threads: int | None = None,
    ) -> Dataset:
        opened = _run_at(filename_or_obj, run)
        dropped = {drop_variables} if isinstance(drop_variables, str) else set(drop_variables or ())
        variables = {"voxels": _voxels(opened, memory, threads), **_coordinates(opened)}
        kept = {name: variable for name, variable in variables.items() if name not in dropped}
        return Dataset(
            {name: kept[name] for name in kept if name not in AXES},
            coords={name: kept[name] for name in kept if name in AXES},
            attrs={"name": opened.name},
        )

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        if not isinstance(filename_or_obj, (str, os.PathLike)):
            return False
        return os.fspath(filename_or_obj).lower().endswith(ENDINGS)


class _LazyVoxels(BackendArray):
    """What xarray slices, and reads when it must."""

    def __init__(self, array: LazyArray, memory: int | str | None, threads: int | None) -> None:
        self.array, self.memory, self.threads = array, memory, threads
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._read)

    def _read(self, key: tuple[Any, ...]) -> npt.NDArray[Any]:
        part = self.array[key]
        made = np.empty(part.shape, part.dtype, order="F")
        return part.compute(out=made, memory=self.memory, threads=self.threads) if part.size else made


def _run_at(path: Any, name: str | None) -> Run:
    opened = path if isinstance(path, (Run, Store)) else open_path(path)
    if isinstance(opened, Store):
        if name is None and len(opened) != 1:
            raise ValueError(f"{opened.path} has {len(opened)} runs; name one by run=: {', '.join(opened)}")
        return opened[name if name is not None else opened.runs[0]]
    if name is not None:
        raise ValueError(f"run={name!r}: {path} is no store")
    if not isinstance(opened, Run):
        raise ValueError(f"{path} is an array, no run; open it by voxstore.open")
    return opened


def _voxels(run: Run, memory: int | str | None, threads: int | None) -> Variable:
    attrs: dict[str, Any] = {"affine": run.affine.ravel().tolist(), "zooms_mm": list(run.zooms_mm)}
    if run.tr_seconds is not None:
        attrs["tr_seconds"] = run.tr_seconds
    data = indexing.LazilyIndexedArray(_LazyVoxels(run, memory, threads))
    encoding: dict[str, Any] = {"source": run.name}
    if not run.is_stream:
        # Each chunk of a stream would be inflated from its start: that is one chunk, if dask is asked for.
        encoding["preferred_chunks"] = dict(zip(AXES, run.chunksize))
    return Variable(AXES, data, attrs, encoding)


def _coordinates(run: Run) -> dict[str, Variable]:
    out = {}
    for axis, length, zoom in zip(AXES, run.shape, run.zooms_mm):
        attrs = {"long_name": f"distance along voxel axis {axis}", "units": "mm"}
        out[axis] = Variable(axis, np.arange(length) * zoom, attrs)
    volumes = np.arange(run.shape[3], dtype=float)
    if run.tr_seconds is None:
        out["t"] = Variable("t", volumes, {"long_name": "number of the volume"})
    else:
        attrs = {"long_name": "time of the volume", "units": "s"}
        out["t"] = Variable("t", run.start_seconds + volumes * run.tr_seconds, attrs)
    return out

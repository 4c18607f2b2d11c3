"""Runs and stores, and how a path becomes one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _voxstore
from ._array import LazyArray


class Run(LazyArray):
    """A run: a lazy array ``(x, y, z, t)`` of true values, slope and intercept applied, that knows where and when.

    What is computed from it is a plain :class:`LazyArray`.
    """

    __slots__ = ("_facts", "_path", "_run")

    def __init__(self, run: _voxstore.Run, path: str) -> None:
        super().__init__(run.array())
        self._run = run
        self._path = path
        self._facts = run.facts()

    @property
    def name(self) -> str:
        """What messages call it: its file, or its path in a store."""
        return self._facts["name"]

    @property
    def affine(self) -> npt.NDArray[np.float64]:
        """Voxel indices to millimetres, 4x4."""
        return np.array(self._facts["affine"])

    @property
    def zooms_mm(self) -> tuple[float, float, float]:
        """Edge lengths of a voxel."""
        return tuple(self._facts["zooms_mm"])

    @property
    def tr_seconds(self) -> float | None:
        """Repetition time; ``None`` where neither header nor sidecar tells."""
        return self._facts["tr_seconds"]

    @property
    def start_seconds(self) -> float:
        """Time of the first volume."""
        return self._facts["start_seconds"]

    @property
    def echo_time_seconds(self) -> float | None:
        """Echo time, from the sidecar."""
        return self._facts["echo_time_seconds"]

    @property
    def stored_dtype(self) -> np.dtype[Any]:
        """Type of the numbers in the file, before slope and intercept."""
        return np.dtype(self._facts["stored_dtype"])

    @property
    def slope(self) -> float:
        """What stored numbers are multiplied by."""
        return self._facts["slope"]

    @property
    def inter(self) -> float:
        """What is added then."""
        return self._facts["inter"]

    @property
    def header(self) -> bytes:
        """The file's bytes before its first voxel, untouched."""
        return self._facts["header"]

    @property
    def sidecar(self) -> dict[str, Any]:
        """What BIDS sidecars say of it, inherited ones too."""
        return json.loads(self._facts["sidecar"])

    @property
    def is_stream(self) -> bool:
        """Whether its file can only be read from front to back, as a ``.nii.gz``: any part of it costs all before it."""
        return self._facts["is_stream"]

    @property
    def warnings(self) -> list[str]:
        """Untidy things about the file that change no voxel and no place of one."""
        return self._facts["warnings"]

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (self._path,)

    def __repr__(self) -> str:
        tr = "unknown" if self.tr_seconds is None else f"{self.tr_seconds:g} s"
        return f"Run<{self.name}, shape={self.shape}, dtype={self.dtype}, TR {tr}>"


class Store(Mapping[str, Run]):
    """A store: its runs by their path in it, or by any clear end of that."""

    def __init__(self, store: _voxstore.Store, path: str) -> None:
        self._store = store
        self.path = path

    @property
    def runs(self) -> list[str]:
        """Paths of the runs, in natural order."""
        return self._store.runs

    def select(self, *patterns: str) -> list[Run]:
        """The runs that match any pattern, such as ``"sub-01*"``; an error where one matches none."""
        return [self[name] for name in self._store.select(list(patterns))]

    def __getitem__(self, name: str) -> Run:
        run = self._store.run(name)
        return Run(run, os.path.join(self.path, run.facts()["name"]))

    def __iter__(self) -> Iterator[str]:
        return iter(self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    def __repr__(self) -> str:
        return f"Store<{self.path}, {len(self)} run{'' if len(self) == 1 else 's'}>"


def open(path: str | os.PathLike[str]) -> Any:
    """Opens what is at a path; reads headers and metadata, no voxel.

    A NIfTI file, a run in a store or an OME-Zarr image of another tool is a :class:`Run`; a store is a :class:`Store`,
    whose runs are had by name; a Zarr array that :meth:`LazyArray.to_zarr` wrote is a :class:`LazyArray`.
    """
    full = os.path.abspath(os.fspath(path))
    opened = _voxstore.open(path)
    if isinstance(opened, _voxstore.Run):
        return Run(opened, full)
    if isinstance(opened, _voxstore.Store):
        return Store(opened, full)
    return LazyArray(opened)

"""Temporal SNR, as the program computes it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _voxstore
from ._limits import Limits, ProgressListener
from ._run import Run, Store
from ._run import open as open_run

Path = str | os.PathLike[str]


@dataclass(frozen=True)
class Definition:
    across: str
    ddof: int | str | None
    detrend: int | None
    dummy_scans: int | str
    censor: list[list[int]]
    mask: Any
    constant: str | None
    nan: str | None
    like: str | None


@dataclass(frozen=True)
class Tsnr:
    """A map of temporal SNR, and the figures beside it."""

    map: npt.NDArray[np.float64]
    """tSNR ``(x, y, z)``, on the grid of the first run."""
    run_maps: list[npt.NDArray[np.float64]] = field(repr=False)
    """With ``across="per-run"``, the map of each run."""
    median: float
    """Median of the map, over the mask or, where there is none, over what is bright and changes."""
    run_medians: list[float]
    """Median tSNR of each run alone."""
    pooled_median: float
    """Median of the mean of all volumes over the deviation within runs."""
    concatenated_median: float
    """Median of the runs as one series."""
    warnings: list[str]
    """What a careful person would want to know."""
    record: dict[str, Any] = field(repr=False)
    """The whole definition, inputs and figures, as ``voxstore tsnr`` writes them beside a map."""
    _like: Any = field(repr=False, compare=False)

    def to_nifti(self, path: Path, *, overwrite: bool = False) -> None:
        """Writes the map in float32 on the grid of the first run."""
        description = f"voxstore {_voxstore.__version__} tsnr"
        map = np.require(self.map, np.float64, "A")
        _voxstore.write_map(path, self._like, map, "tsnr", description, overwrite)


def tsnr(
    runs: Path | Run | Store | Sequence[Path | Run],
    *,
    across: str = "concat",
    ddof: int | str | None = None,
    detrend: int | None = None,
    dummy_scans: int | str = 0,
    censor: Sequence[Sequence[int]] = (),
    mask: Run | Path | None = None,
    constant: int | float | None = None,
    nan: str | None = None,
    like: str | None = None,
    memory: int | str | None = None,
    threads: int | None = None,
    scratch: Path | None = None,
    progress: ProgressListener | bool = False,
) -> Tsnr:
    """Mean over time divided by standard deviation over time, of runs joined along time, in one scan.

    The definition is that of ``voxstore tsnr --help``: ``across`` is ``concat``, ``pooled``, ``mean`` or ``per-run``;
    ``ddof`` a number or ``"model"``; ``detrend`` the order of a polynomial a run, 0 to 5; ``dummy_scans`` a number or
    ``"auto"``; ``censor`` lists of volumes, one a run; ``mask`` a run of one volume, its path, or ``"auto"``; ``constant`` 0 or
    NaN; ``nan`` is ``propagate``, ``skip`` or ``zero``; ``like`` names a tool whose definition is wanted: ``seed``, ``fsl``,
    ``afni``, ``afni-cvarinv``, ``nipype``, ``mriqc``, ``sct``, ``halfpipe``.
    """
    given = [runs] if isinstance(runs, (str, os.PathLike, Run, Store)) else runs
    opened = [run for item in given for run in _runs_of(item)]
    inside = mask if mask is None or mask == "auto" else _one_run(mask)._run
    if constant is not None and constant != 0 and constant == constant:
        raise ValueError(f"constant is {constant}; expected 0 or NaN")
    word = None if constant is None else "0" if constant == 0 else "nan"
    censored = [list(volumes) for volumes in censor]
    definition = Definition(across, ddof, detrend, dummy_scans, censored, inside, word, nan, like)
    handles = [run._run for run in opened]
    done = _voxstore.tsnr(handles, definition, Limits.of(memory, threads, scratch, progress))
    return Tsnr(**{**done, "record": json.loads(done["record"])}, _like=handles[0])


def _runs_of(given: Any) -> list[Run]:
    opened = given if isinstance(given, (Run, Store)) else open_run(given)
    return list(opened.values()) if isinstance(opened, Store) else [_one_run(opened)]


def _one_run(given: Any) -> Run:
    opened = (
        given
        if isinstance(given, Run)
        else open_run(given)
        if isinstance(given, (str, os.PathLike))
        else given
    )
    if not isinstance(opened, Run):
        raise TypeError(f"expected a run or its path, found {opened!r}")
    return opened

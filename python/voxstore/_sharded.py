"""tSNR by several processes, whoever starts them: what each does, what it takes, and what becomes of it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import _voxstore
from ._limits import Limits
from ._run import Run, Store
from ._tsnr import Definition, Path, Tsnr, _one_run, _runs_of


@dataclass(frozen=True)
class Share:
    index: int
    count: int


@dataclass(frozen=True)
class Plan:
    """What a part takes: its peak of memory, within a budget, and the bytes of voxels that are read."""

    share: Share
    peak_bytes: int
    budget_bytes: int
    read_bytes: int


@dataclass(frozen=True)
class Job:
    """What every process has to know. It can be sent: runs are paths, which mean the same file everywhere."""

    paths: tuple[str, ...]
    definition: Definition
    """Its mask is a path, too."""
    folder: str
    memory: int | str
    threads: int
    scratch: str | None

    @classmethod
    def of(
        cls,
        runs: Path | Run | Store | Sequence[Path | Run],
        *,
        folder: Path,
        memory: int | str,
        threads: int,
        scratch: Path | None,
        across: str = "concat",
        ddof: int | str | None = None,
        detrend: int | None = None,
        dummy_scans: int | str = 0,
        censor: Sequence[Sequence[int]] = (),
        mask: Run | Path | None = None,
        constant: int | float | None = None,
        nan: str | None = None,
        like: str | None = None,
    ) -> Job:
        if isinstance(runs, (str, os.PathLike, Run, Store)):
            runs = [runs]
        paths = tuple(run._path for given in runs for run in _runs_of(given))
        if mask is not None and mask != "auto":
            mask = _one_run(mask)._path
        if constant is not None and constant != 0 and constant == constant:
            raise ValueError(f"constant is {constant}; expected 0 or NaN")
        word = None if constant is None else "0" if constant == 0 else "nan"
        volumes = [list(of_run) for of_run in censor]
        definition = Definition(across, ddof, detrend, dummy_scans, volumes, mask, word, nan, like)
        scratch = None if scratch is None else os.path.abspath(scratch)
        return cls(paths, definition, os.path.abspath(folder), memory, threads, scratch)

    def plan(self, share: Share) -> Plan:
        """What a part takes. Reads no voxel."""
        plan = _voxstore.explain_tsnr_part(*self._opened(), share, self._limits())
        # Looking for dummy volumes is in no plan, but within the budget.
        looks = self.definition.dummy_scans == "auto"
        peak_bytes = plan.budget_bytes if looks else plan.peak_bytes
        return Plan(share, peak_bytes, plan.budget_bytes, plan.read_bytes)

    def plans(self, count: int) -> list[Plan]:
        """Those of all parts in which there is something."""
        plans = [self.plan(Share(index, count)) for index in range(count)]
        return [plan for plan in plans if plan.read_bytes > 0]

    def part(self, share: Share) -> str:
        """Makes a part, unless it is there; gives its path. Run by a worker."""
        made = _voxstore.tsnr_part(*self._opened(), share, self.folder, self._limits())
        return str(made["path"])

    def merged(self, parts: Sequence[str]) -> dict[str, Any]:
        """The map and its figures, of all parts. Run by a worker."""
        return _voxstore.merge_tsnr(*self._opened(), list(parts), self._limits())

    def result(self, merged: dict[str, Any]) -> Tsnr:
        """What ``voxstore.tsnr`` gives."""
        record, like = json.loads(merged["record"]), _voxstore.open(self.paths[0])
        # What was sent may lie at any address, and be read only: what does is copied.
        maps = [np.require(map, requirements="AW") for map in (merged["map"], *merged["run_maps"])]
        return Tsnr(**{**merged, "map": maps[0], "run_maps": maps[1:], "record": record}, _like=like)

    def _opened(self) -> tuple[list[Any], Definition]:
        mask = self.definition.mask
        if mask is not None and mask != "auto":
            mask = _voxstore.open(mask)
        runs = [_voxstore.open(path) for path in self.paths]
        return runs, replace(self.definition, mask=mask)

    def _limits(self) -> Limits:
        return Limits(self.memory, self.threads, self.scratch)

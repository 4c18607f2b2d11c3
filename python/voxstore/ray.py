"""tSNR on a cluster of Ray, by the same parts as :mod:`voxstore.dask`.

>>> ray.init()                                                        # doctest: +SKIP
>>> voxstore.ray.tsnr(runs, folder="parts", memory="1GiB", shards=32) # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ray

from ._run import Run, Store
from ._sharded import Job, Share
from ._tsnr import Path, Tsnr


def tsnr(
    runs: Path | Run | Store | Sequence[Path | Run],
    *,
    folder: Path,
    memory: int | str,
    shards: int,
    threads: int = 1,
    scratch: Path | None = None,
    retries: int = 3,
    **definition: Any,
) -> Tsnr:
    """As :func:`voxstore.dask.tsnr`, by the cluster that ``ray.init`` reached.

    A task holds the memory of its plan of Ray's resource ``memory``, and ``threads`` of its CPUs. ``retries`` is how often a
    task is started anew whose worker died.
    """
    job = Job.of(runs, folder=folder, memory=memory, threads=threads, scratch=scratch, **definition)
    plans = job.plans(shards)
    shared = ray.put(job)

    def start(function: Any, peak_bytes: int, *arguments: Any) -> Any:
        task = ray.remote(function).options(memory=peak_bytes, num_cpus=threads, max_retries=retries)
        return task.remote(*arguments)

    parts = [start(_part, plan.peak_bytes, shared, plan.share) for plan in plans]
    merged = start(_merged, plans[0].budget_bytes, shared, *parts)
    try:
        return job.result(ray.get(merged))
    except BaseException:
        for task in [*parts, merged]:
            ray.cancel(task)
        raise


def _part(job: Job, share: Share) -> str:
    return job.part(share)


def _merged(job: Job, *parts: str) -> dict[str, Any]:
    return job.merged(parts)

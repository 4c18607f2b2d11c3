"""tSNR on a cluster of Dask workers.

>>> from distributed import Client, LocalCluster
>>> cluster = LocalCluster(n_workers=4, threads_per_worker=1, resources={"MEM": 2e9})   # doctest: +SKIP
>>> voxstore.dask.tsnr(Client(cluster), runs, folder="parts", memory="1GiB")            # doctest: +SKIP

The job is cut into shards. Each is one task that reads its runs once and leaves its sums as a *part*, a folder in
``folder``; a last task streams the parts into the map. Both are voxstore's, with the bits of :func:`voxstore.tsnr`
whatever the number of shards and workers; when and where tasks run is Dask's.

Workers say how much memory they have for voxstore, in bytes, as a resource called ``MEM``: what the machine has, less
about 200 MB a worker for Python and Dask themselves. A task holds what its plan says, so that Dask starts no more of
them beside each other than fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ._run import Run, Store
from ._sharded import Job, Share
from ._tsnr import Path, Tsnr
from .errors import NotEnoughMemory

if TYPE_CHECKING:
    from distributed import Client

RESOURCE = "MEM"
"""What workers call their memory."""

SHARDS_PER_THREAD = 4
"""Shards for each thread of the cluster, so that a slow one at the end is waited for a fraction of the time."""


def tsnr(
    client: Client,
    runs: Path | Run | Store | Sequence[Path | Run],
    *,
    folder: Path,
    memory: int | str,
    threads: int = 1,
    scratch: Path | None = None,
    shards: int | None = None,
    retries: int = 1,
    **definition: Any,
) -> Tsnr:
    """As :func:`voxstore.tsnr`, with the same keywords for the ``definition`` and the same bits, by the workers of ``client``.

    Paths of ``runs`` and ``folder`` have to mean the same files here and on every worker. ``memory`` is the budget of one
    task, of which parts mostly take less; ``threads`` what one may use; ``scratch`` a folder of the worker's for what waits
    on disk. ``shards`` is 4 for each thread of the cluster where it is not given.

    A part that lies in ``folder`` already is not made again: called again after an interruption, the job goes on where it
    was, with the same number of shards. A worker that dies costs the tasks it was at, which another makes; a task that
    raises is tried ``retries`` times more, and then its exception is raised here, of the class it would have locally.
    Parts are left there; remove ``folder`` when they are no longer wanted.
    """
    job = Job.of(runs, folder=folder, memory=memory, threads=threads, scratch=scratch, **definition)
    workers = list(client.scheduler_info()["workers"].values())
    cluster_threads = sum(worker["nthreads"] for worker in workers)
    plans = job.plans(shards or max(1, SHARDS_PER_THREAD * cluster_threads))
    budget_bytes = plans[0].budget_bytes
    _check_resource(workers, budget_bytes)
    token = uuid4().hex

    def submit(name: str, peak_bytes: int, function: Any, *arguments: Any) -> Any:
        key, resources = f"voxstore-{name}-{token}", {RESOURCE: peak_bytes}
        return client.submit(function, *arguments, key=key, resources=resources, retries=retries)

    # Sent to each worker once, not with each task, and made again if it is lost with a worker.
    shared = submit("job", 0, _itself, job)
    parts = [submit(f"part-{plan.share.index}", plan.peak_bytes, _part, shared, plan.share) for plan in plans]
    # Of merging only the budget is known before there are parts.
    merged = submit("merge", budget_bytes, _merged, shared, parts)
    try:
        return job.result(merged.result())
    except BaseException:
        client.cancel([shared, *parts, merged])
        raise


def _check_resource(workers: list[Any], needed_bytes: int) -> None:
    """A task that fits no worker would wait for one for ever."""
    found = max((worker["resources"].get(RESOURCE, 0) for worker in workers), default=needed_bytes)
    if found < needed_bytes:
        error = NotEnoughMemory(
            f"no worker has {needed_bytes} bytes of the resource {RESOURCE}, the most is {found:.0f}; give memory a smaller "
            f"budget, or start workers with more: `dask worker --resources {RESOURCE}={needed_bytes}`, "
            f'LocalCluster(resources={{"{RESOURCE}": {needed_bytes}}})'
        )
        error.needed_bytes = needed_bytes
        raise error


def _itself(job: Job) -> Job:
    return job


def _part(job: Job, share: Share) -> str:
    return job.part(share)


def _merged(job: Job, parts: list[str]) -> dict[str, Any]:
    return job.merged(parts)

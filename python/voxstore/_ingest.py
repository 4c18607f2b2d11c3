"""Files into a store."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from . import _voxstore
from ._limits import Limits, ProgressListener
from ._run import Run


@dataclass(frozen=True)
class Ingested:
    """What became of one source."""

    source: str
    """What it is called."""
    run: str | None
    """Its path in the store."""
    outcome: str
    """``written``, ``skipped`` (it was there) or ``failed``."""
    error: str | None
    """Why it failed."""
    raw_bytes: int | None
    """Of a run that was written: bytes of its voxels before compression."""
    stored_bytes: int | None
    """And after."""
    warnings: list[str]
    """Untidy things about the source."""


def ingest(
    inputs: str | os.PathLike[str] | Run | Iterable[str | os.PathLike[str] | Run],
    store: str | os.PathLike[str],
    *,
    codec: str = "auto",
    chunk: tuple[int, int] | None = None,
    force: bool = False,
    strict: bool = False,
    memory: int | str | None = None,
    threads: int | None = None,
    progress: ProgressListener | bool = False,
) -> list[Ingested]:
    """Puts NIfTI files, or runs, into a store without loss; the store is made where there is none.

    A run appears whole or not at all, also after Ctrl-C; one that is there from the same file is skipped. A damaged
    file is an outcome ``failed`` and the others are written, unless ``strict``. ``codec`` is ``auto`` (whichever makes a
    run smaller), ``blosc-zstd``, ``blosc-lz4``, ``zstd`` or ``none``; ``chunk`` is volumes and planes of a chunk; ``force``
    replaces a run that is there from another file. ``memory``, ``threads`` and ``progress`` as in
    :meth:`LazyArray.compute`.
    """
    if isinstance(inputs, (str, os.PathLike, Run)):
        inputs = [inputs]
    given = [item._run if isinstance(item, Run) else os.fspath(item) for item in inputs]
    limits = Limits.of(memory, threads, None, progress)
    rows = _voxstore.ingest(given, store, codec, chunk, force, strict, limits)
    return [Ingested(**row) for row in rows]

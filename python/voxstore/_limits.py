"""What a piece of work may take, and who is told how far it is."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

ProgressListener: TypeAlias = Callable[[str, int, int], object]
"""Called about ten times a second with what is done, and the bytes of voxels done and to do in all."""


class SourceWarning(UserWarning):
    """Something untidy about a file that changes no voxel."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``memory`` is the budget in bytes or as text (``"256MiB"``), ``threads`` the most that work at a time, ``scratch``
    a folder for what must wait on disk, ``progress`` a function or ``True`` for a line on stderr."""

    memory: int | str | None = None
    threads: int | None = None
    scratch: str | os.PathLike[str] | None = None
    progress: ProgressListener | None = None

    @classmethod
    def of(
        cls,
        memory: int | str | None,
        threads: int | None,
        scratch: str | os.PathLike[str] | None,
        progress: ProgressListener | bool,
    ) -> Limits:
        listener = progress if callable(progress) else _Line() if progress else None
        return cls(memory, threads, scratch, listener)


class _Line:
    """A line on stderr that is written over."""

    def __call__(self, what: str, done: int, total: int) -> None:
        share = min(done / total, 1.0) if total else 1.0
        end = "\n" if share == 1.0 else ""
        print(f"\r{what}: {share:4.0%} of {total / 1e6:.0f} MB", end=end, file=sys.stderr, flush=True)


def warn(messages: list[str]) -> None:
    """Hands on what sources said, to the line outside of voxstore that asked for the numbers."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__package__") == __package__:
        frame, level = frame.f_back, level + 1
    for message in messages:
        warnings.warn(message, SourceWarning, stacklevel=level)

"""What voxstore raises, beside the exceptions that numpy raises for the same mistake (``ValueError``, ``TypeError``,
``IndexError``, ``AxisError``, ``OverflowError``) and ``KeyboardInterrupt``.

Each is also the built-in exception that code which does not know voxstore would catch.
"""


class Error(Exception):
    """Anything below."""


class FileError(Error, OSError):
    """The system refused to read or to write."""


class NotFound(FileError, FileNotFoundError):
    """Nothing is there, or only a placeholder of git-annex."""


class AlreadyExists(FileError, FileExistsError):
    """Something is there, and ``overwrite`` or ``force`` was not asked for."""


class DamagedSource(FileError):
    """A file or a store could not deliver true voxels: damaged, cut short, changed meanwhile. There are no numbers then."""


class Unreadable(Error, ValueError):
    """What is there is nothing that voxstore reads."""


class Refused(Error, ValueError):
    """What was asked for cannot be done, such as joining runs of different grids."""


class NoSuchRun(Error, KeyError):
    """A store has no run of this name, or more than one."""

    __str__ = Exception.__str__


# MemoryError first: its __new__ is the one that pickles of tblib, and so Dask, are opened with.
class NotEnoughMemory(MemoryError, Error):
    """The work does not fit the budget; no voxel was read."""

    needed_bytes: int | None = None
    """The budget that would do, where it is known."""

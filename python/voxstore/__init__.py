"""fMRI data larger than memory: lazy arrays over NIfTI runs and Zarr stores.

``open`` gives a run, which is a lazy array ``(x, y, z, t)`` and knows its affine and TR; expressions over it have
numpy's names and meanings and read nothing; ``compute`` streams them in pieces within a memory budget, and hands
back numpy arrays.

>>> import voxstore
>>> x = voxstore.asarray([[1.0, 3.0], [2.0, 6.0]])
>>> (x.mean(-1) / x.std(-1)).compute()
array([2., 2.])
"""

from ._array import LazyArray, compute
from ._delayed import from_delayed
from ._functions import *  # noqa: F403
from ._functions import __all__ as _functions
from ._ingest import Ingested, ingest
from ._limits import SourceWarning
from ._run import Run, Store, open
from ._tsnr import Tsnr, tsnr
from ._voxstore import Explanation, __version__
from .errors import (
    AlreadyExists,
    DamagedSource,
    Error,
    FileError,
    NoSuchRun,
    NotEnoughMemory,
    NotFound,
    Refused,
    Unreadable,
)

__all__ = [
    "AlreadyExists",
    "DamagedSource",
    "Error",
    "Explanation",
    "FileError",
    "Ingested",
    "LazyArray",
    "NoSuchRun",
    "NotEnoughMemory",
    "NotFound",
    "Refused",
    "Run",
    "SourceWarning",
    "Store",
    "Tsnr",
    "Unreadable",
    "__version__",
    "compute",
    "from_delayed",
    "ingest",
    "open",
    "tsnr",
    *_functions,
]

"""Arrays of values that Python has yet to compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _voxstore
from ._array import LazyArray


def from_delayed(
    value: Any, shape: Sequence[int], dtype: npt.DTypeLike, name: str | None = None
) -> LazyArray:
    """An array of a ``dask.delayed`` value, or of a function without arguments, that is called when it is read.

    Shape and type are your word, and are held against the value: one of another shape, or with a number that the type
    does not hold, is a ``ValueError`` of ``compute``. The value is whole in memory while it is read, and the plan counts
    16 bytes an element for that; ``open`` of the file itself takes a few MiB.
    """
    make = value.compute if hasattr(value, "compute") else value
    if not callable(make):
        raise TypeError("from_delayed: expected a delayed value, or a function without arguments")
    lengths, wanted = tuple(int(length) for length in shape), np.dtype(dtype)
    name = name or str(getattr(value, "key", None) or getattr(value, "__name__", "delayed"))

    def load() -> npt.NDArray[np.uint8]:
        made = np.asarray(make())
        if made.shape != lengths:
            raise ValueError(f"{name}: the value has shape {made.shape}, and {lengths} was said")
        flat = made.ravel(order="F")
        if made.dtype != wanted:
            with np.errstate(invalid="ignore"):
                cast = flat.astype(wanted)
            same = (cast == flat) | ((cast != cast) & (flat != flat))
            if not same.all():
                raise ValueError(
                    f"{name}: {wanted} was said, the value is {made.dtype}, and {flat[~same][0]} is no {wanted}; "
                    f"say dtype={made.dtype}"
                )
            flat = cast
        return flat.view(np.uint8)

    return LazyArray(_voxstore.from_delayed(load, list(lengths), wanted.name, name))

"""numpy's functions, for lazy arrays: ``voxstore.concatenate``, ``voxstore.sqrt``, ``voxstore.nanmean`` and others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from . import _voxstore
from ._array import Axes, LazyArray, Operand, _operand, asarray

# Creation.


def full(
    shape: int | Sequence[int], fill_value: bool | int | float, dtype: npt.DTypeLike | None = None
) -> LazyArray:
    """The same element everywhere; takes no memory."""
    return broadcast_to(asarray(np.asarray(fill_value, dtype=dtype)), shape)


def zeros(shape: int | Sequence[int], dtype: npt.DTypeLike = float) -> LazyArray:
    """0 everywhere."""
    return full(shape, 0, dtype)


def ones(shape: int | Sequence[int], dtype: npt.DTypeLike = float) -> LazyArray:
    """1 everywhere."""
    return full(shape, 1, dtype)


def arange(start: int | float, stop: int | float | None = None, step: int | float = 1) -> LazyArray:
    """Numbers in even steps, int64 or float64."""
    first, end = (0, start) if stop is None else (start, stop)
    return LazyArray(_voxstore.arange(first, end, step))


from_array = asarray


# Joins and views.


def concatenate(arrays: Sequence[LazyArray], axis: int = 0) -> LazyArray:
    """Arrays joined along an axis; a view."""
    handles = [asarray(array) for array in arrays]
    axis = normalize_axis_index(axis, handles[0].ndim) if handles else axis
    return LazyArray(_voxstore.concatenate([array._array for array in handles], axis))


def stack(arrays: Sequence[LazyArray], axis: int = 0) -> LazyArray:
    """Arrays of one shape along a new axis; a view."""
    handles = [asarray(array) for array in arrays]
    axis = normalize_axis_index(axis, handles[0].ndim + 1) if handles else axis
    return LazyArray(_voxstore.stack([array._array for array in handles], axis))


def broadcast_to(array: LazyArray, shape: int | Sequence[int]) -> LazyArray:
    """An array repeated to a shape; a view."""
    lengths = [shape] if isinstance(shape, int) else list(shape)
    return LazyArray(asarray(array)._array.broadcast_to(lengths))


def expand_dims(array: LazyArray, axis: int | Sequence[int]) -> LazyArray:
    """New axes of length 1."""
    count = len(axis) if isinstance(axis, Sequence) else 1
    new = normalize_axis_tuple(axis, array.ndim + count)
    return array[tuple(None if at in new else slice(None) for at in range(array.ndim + count))]


def moveaxis(array: LazyArray, source: int | Sequence[int], destination: int | Sequence[int]) -> LazyArray:
    """Axes moved to other places."""
    return np.moveaxis(array, source, destination)  # type: ignore[type-var]


def transpose(array: LazyArray, axes: Sequence[int] | None = None) -> LazyArray:
    """The axes in another order; in reverse where none is named."""
    return asarray(array).transpose(axes)


def swapaxes(array: LazyArray, axis1: int, axis2: int) -> LazyArray:
    """Two axes exchanged."""
    return asarray(array).swapaxes(axis1, axis2)


def squeeze(array: LazyArray, axis: Axes = None) -> LazyArray:
    """Without axes of length 1."""
    return asarray(array).squeeze(axis)


def reshape(array: LazyArray, shape: int | Sequence[int]) -> LazyArray:
    """As :meth:`LazyArray.reshape`."""
    return asarray(array).reshape(shape)


def flip(array: LazyArray, axis: Axes = None) -> LazyArray:
    """Axes walked from their ends."""
    array = asarray(array)
    return LazyArray(array._array.flip(array._axes(axis)))


def take(array: LazyArray, indices: npt.ArrayLike, axis: int | None = None) -> LazyArray:
    """Elements by their indices along an axis."""
    return asarray(array).take(indices, axis)


# Elementwise.


def where(condition: LazyArray, x: Operand, y: Operand) -> LazyArray:
    """``x`` where the condition is true, ``y`` elsewhere."""
    condition = asarray(condition)
    np.broadcast_shapes(condition.shape, *(getattr(side, "shape", ()) for side in (x, y)))
    dtype = next((side for side in (x, y) if isinstance(side, LazyArray)), condition)
    return LazyArray(_voxstore.where(condition._array, _operand(x, dtype), _operand(y, dtype)))


def clip(array: LazyArray, a_min: Operand | None, a_max: Operand | None) -> LazyArray:
    """As :meth:`LazyArray.clip`."""
    return asarray(array).clip(a_min, a_max)


def round(array: LazyArray, decimals: int = 0) -> LazyArray:
    """Whole numbers, halves to the even one."""
    return asarray(array).round(decimals)


def nan_to_num(array: LazyArray) -> LazyArray:
    """0 in place of NaN, and the ends of the type in place of infinities."""
    return asarray(array)._unary("nan_to_num")


def _elementwise(ufunc: np.ufunc) -> Callable[..., LazyArray]:
    def function(*arrays: Any) -> LazyArray:
        if len(arrays) != ufunc.nin:
            raise TypeError(f"{ufunc.__name__}: expected {ufunc.nin} arrays or numbers, found {len(arrays)}")
        if not any(isinstance(array, LazyArray) for array in arrays):
            arrays = (asarray(arrays[0]), *arrays[1:])
        return ufunc(*arrays)

    function.__name__ = function.__qualname__ = ufunc.__name__
    function.__doc__ = f"``numpy.{ufunc.__name__}``, lazily."
    return function


negative = _elementwise(np.negative)
absolute = _elementwise(np.absolute)
invert = _elementwise(np.invert)
sqrt = _elementwise(np.sqrt)
square = _elementwise(np.square)
reciprocal = _elementwise(np.reciprocal)
exp = _elementwise(np.exp)
expm1 = _elementwise(np.expm1)
log = _elementwise(np.log)
log1p = _elementwise(np.log1p)
log10 = _elementwise(np.log10)
sign = _elementwise(np.sign)
floor = _elementwise(np.floor)
ceil = _elementwise(np.ceil)
trunc = _elementwise(np.trunc)
rint = _elementwise(np.rint)
isnan = _elementwise(np.isnan)
isinf = _elementwise(np.isinf)
isfinite = _elementwise(np.isfinite)
add = _elementwise(np.add)
subtract = _elementwise(np.subtract)
multiply = _elementwise(np.multiply)
divide = _elementwise(np.divide)
floor_divide = _elementwise(np.floor_divide)
remainder = _elementwise(np.remainder)
power = _elementwise(np.power)
bitwise_and = _elementwise(np.bitwise_and)
bitwise_or = _elementwise(np.bitwise_or)
bitwise_xor = _elementwise(np.bitwise_xor)
equal = _elementwise(np.equal)
not_equal = _elementwise(np.not_equal)
less = _elementwise(np.less)
less_equal = _elementwise(np.less_equal)
greater = _elementwise(np.greater)
greater_equal = _elementwise(np.greater_equal)
minimum = _elementwise(np.minimum)
maximum = _elementwise(np.maximum)
fmin = _elementwise(np.fmin)
fmax = _elementwise(np.fmax)
abs = absolute


# Reductions.


def average(array: LazyArray, axis: Axes = None, weights: Any = None) -> LazyArray:
    """The mean, or with weights the sum of elements times weights over the sum of weights; in one pass."""
    array = asarray(array)
    if weights is None:
        return array.mean(axis)
    weights = broadcast_to(asarray(weights), array.shape)
    return (array * weights).sum(axis) / weights.sum(axis)


def percentile(
    array: LazyArray, q: float, axis: Axes = None, *, method: str = "linear", keepdims: bool = False
) -> LazyArray:
    """One percentile, 0 to 100, over axes."""
    return asarray(array).quantile(q / 100, axis, method=method, keepdims=keepdims)


def histogram(array: LazyArray, bins: npt.ArrayLike, axis: Axes = None) -> LazyArray:
    """Counts between neighbouring edges, which are given; the bins are the last axis."""
    array = asarray(array)
    return LazyArray(array._array.histogram(np.asarray(bins, dtype=float).tolist(), array._axes(axis)))


def _reduction(of: str, **options: Any) -> Callable[..., LazyArray]:
    method = getattr(LazyArray, of)

    def function(array: Any, *args: Any, **kwargs: Any) -> LazyArray:
        return method(asarray(array), *args, **kwargs, **options)

    function.__name__ = function.__qualname__ = f"nan{of}" if options else of
    function.__doc__ = f"As :meth:`LazyArray.{of}`{'; NaN does not count' if options else ''}."
    return function


sum = _reduction("sum")
prod = _reduction("prod")
mean = _reduction("mean")
var = _reduction("var")
std = _reduction("std")
min = _reduction("min")
max = _reduction("max")
ptp = _reduction("ptp")
argmin = _reduction("argmin")
argmax = _reduction("argmax")
any = _reduction("any")
all = _reduction("all")
count_nonzero = _reduction("count_nonzero")
median = _reduction("median")
quantile = _reduction("quantile")
mad = _reduction("mad")
diff = _reduction("diff")
nansum = _reduction("sum", skip_nan=True)
nanprod = _reduction("prod", skip_nan=True)
nanmean = _reduction("mean", skip_nan=True)
nanvar = _reduction("var", skip_nan=True)
nanstd = _reduction("std", skip_nan=True)
nanmin = _reduction("min", skip_nan=True)
nanmax = _reduction("max", skip_nan=True)
nanargmin = _reduction("argmin", skip_nan=True)
nanargmax = _reduction("argmax", skip_nan=True)
nanmedian = _reduction("median", skip_nan=True)
nanquantile = _reduction("quantile", skip_nan=True)

__all__ = [
    "abs",
    "absolute",
    "add",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "asarray",
    "average",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "broadcast_to",
    "ceil",
    "clip",
    "concatenate",
    "count_nonzero",
    "diff",
    "divide",
    "equal",
    "exp",
    "expand_dims",
    "expm1",
    "flip",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "from_array",
    "full",
    "greater",
    "greater_equal",
    "histogram",
    "invert",
    "isfinite",
    "isinf",
    "isnan",
    "less",
    "less_equal",
    "log",
    "log10",
    "log1p",
    "mad",
    "max",
    "maximum",
    "mean",
    "median",
    "min",
    "minimum",
    "moveaxis",
    "multiply",
    "nan_to_num",
    "nanargmax",
    "nanargmin",
    "nanmax",
    "nanmean",
    "nanmedian",
    "nanmin",
    "nanprod",
    "nanquantile",
    "nanstd",
    "nansum",
    "nanvar",
    "negative",
    "not_equal",
    "ones",
    "percentile",
    "power",
    "prod",
    "ptp",
    "quantile",
    "reciprocal",
    "remainder",
    "reshape",
    "rint",
    "round",
    "sign",
    "sqrt",
    "square",
    "squeeze",
    "stack",
    "std",
    "subtract",
    "sum",
    "swapaxes",
    "take",
    "transpose",
    "trunc",
    "var",
    "where",
    "zeros",
]

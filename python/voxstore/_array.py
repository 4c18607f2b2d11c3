"""The lazy array: numpy's surface over a handle of the library."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from . import _voxstore
from ._limits import Limits, ProgressListener, warn
from ._voxstore import Explanation

Axes: TypeAlias = int | Sequence[int] | None
Number: TypeAlias = bool | int | float | np.generic
Operand: TypeAlias = "LazyArray | Number | npt.NDArray[Any]"


def _both(name: str) -> tuple[Callable[[Any, Operand], Any], Callable[[Any, Operand], Any]]:
    """An operator, and the same with the array on its right."""

    def forward(self: LazyArray, other: Operand) -> LazyArray:
        return self._binary(name, other) if _is_operand(other) else NotImplemented

    def reflected(self: LazyArray, other: Operand) -> LazyArray:
        return self._reflected(name, other) if _is_operand(other) else NotImplemented

    return forward, reflected


class LazyArray:
    """An array that is not computed yet: an expression over runs, files and other arrays.

    Shape and type are known at once; numbers come from :meth:`compute`, or from ``numpy.asarray``. Names, arguments
    and results are numpy's. Slices, transposes and repeats are views that reach the storage: what is not asked
    for is not read.
    """

    __slots__ = ("_array",)
    __hash__ = None  # type: ignore[assignment]
    # Compared element by element, as numpy's arrays.

    def __init__(self, array: _voxstore.Array) -> None:
        self._array = array

    # What is known without reading.

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(self._array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements, as they will be computed."""
        return np.dtype(self._array.dtype)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._array.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=object))

    @property
    def nbytes(self) -> int:
        """Bytes the array would take in memory."""
        return self.size * self.dtype.itemsize

    @property
    def chunksize(self) -> tuple[int, ...]:
        """Lengths of the blocks that its sources come in."""
        return tuple(self._array.block_shape)

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """Lengths of all blocks along each axis, as dask has them."""
        return tuple(
            (block,) * (length // block) + ((length % block,) if length % block else ()) or (0,)
            for length, block in zip(self.shape, self.chunksize)
        )

    @property
    def T(self) -> LazyArray:
        """The axes in reverse order."""
        return self.transpose()

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[LazyArray]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return repr(self._array)

    def _repr_html_(self) -> str:
        return self._array.blocks_svg()

    # Numbers.

    def compute(
        self,
        *,
        out: npt.NDArray[Any] | None = None,
        memory: int | str | None = None,
        threads: int | None = None,
        scratch: str | os.PathLike[str] | None = None,
        progress: ProgressListener | bool = False,
    ) -> npt.NDArray[Any]:
        """The numbers, in Fortran's memory order; or in ``out``, of a type that holds them all.

        ``memory`` (512 MiB) is what voxstore may use at its peak, the result included unless it is ``out``, beside what
        the Python process had before; what does not fit is refused by :class:`NotEnoughMemory` before anything is
        read. ``threads`` is the number of cores. ``progress`` is called with what is done, bytes done and bytes in all;
        ``True`` writes a line. Ctrl-C stops the work within a block.
        """
        if out is None:
            return compute(self, memory=memory, threads=threads, scratch=scratch, progress=progress)[0]
        warn(_voxstore.compute_into(self._array, out, Limits.of(memory, threads, scratch, progress)))
        return out

    def explain(
        self,
        *,
        memory: int | str | None = None,
        threads: int | None = None,
        scratch: str | os.PathLike[str] | None = None,
    ) -> Explanation:
        """What :meth:`compute` would read, in how many passes, with how much memory. Reads no voxel."""
        return _voxstore.explain([self._array], Limits(memory, threads, scratch))

    def visualize(self, filename: str | os.PathLike[str] | None = None) -> Explanation:
        """The plan, which a notebook draws; written as SVG where a file is named."""
        plan = self.explain()
        if filename is not None:
            with open(filename, "w", encoding="utf-8") as file:
                file.write(plan.svg)
        return plan

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError(
                "a lazy array is computed when it becomes an array of numpy; copy=False cannot be had"
            )
        # Whoever asks for all of it has the room; only the work is held to the budget.
        made = np.empty(self.shape, self.dtype, order="F")
        return np.asarray(self.compute(out=made) if made.size else made, dtype=dtype)

    def item(self, *index: int) -> bool | int | float:
        """The only element, or the one at an index, as a number of Python."""
        return self[index].item() if index else np.asarray(self).item()

    def __bool__(self) -> bool:
        return bool(self._only("truth value"))

    def __int__(self) -> int:
        return int(self._only("int"))

    def __float__(self) -> float:
        return float(self._only("float"))

    def __index__(self) -> int:
        return operator.index(self._only("index"))

    def _only(self, what: str) -> Any:
        if self.size != 1:
            raise ValueError(
                f"the {what} of an array of {self.size} elements is ambiguous; use any() or all(), or compute it"
            )
        return np.asarray(self).item()

    # Views.

    def __getitem__(self, index: Any) -> LazyArray:
        return LazyArray(self._array.index(_basic_index(index, self.shape)))

    def take(
        self, indices: npt.ArrayLike, axis: int | None = None, out: None = None, mode: str = "raise"
    ) -> LazyArray:
        """Elements by their indices along an axis, as ``numpy.take``."""
        if axis is None:
            return self.reshape(-1).take(indices, 0)
        axis = normalize_axis_index(axis, self.ndim)
        indices = np.asarray(indices)
        if indices.ndim != 1 or (indices.dtype.kind not in "iu" and indices.size):
            raise TypeError("take: expected a list of integers")
        length = self.shape[axis]
        for i in indices:
            if not -length <= i < length:
                raise IndexError(f"index {i} is out of bounds for axis {axis} with size {length}")
        return LazyArray(self._array.take(indices.tolist(), axis))

    def transpose(self, *axes: Any) -> LazyArray:
        """The axes in another order; in reverse where none is named."""
        if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], Sequence)):
            axes = tuple(axes[0] or ())
        order = [normalize_axis_index(a, self.ndim) for a in axes or range(self.ndim)[::-1]]
        if sorted(order) != list(range(self.ndim)):
            raise ValueError("axes don't match array")
        return LazyArray(self._array.transpose(order))

    def swapaxes(self, axis1: int, axis2: int) -> LazyArray:
        """Two axes exchanged."""
        order = list(range(self.ndim))
        a, b = (normalize_axis_index(axis, self.ndim) for axis in (axis1, axis2))
        order[a], order[b] = b, a
        return LazyArray(self._array.transpose(order))

    def squeeze(self, axis: Axes = None) -> LazyArray:
        """Without axes of length 1."""
        return LazyArray(self._array.squeeze(self._axes(axis)))

    def reshape(self, *shape: Any, order: str = "C") -> LazyArray:
        """The leading axes as one, in C order; axes of length 1 come and go. ``reshape(-1, t)`` is voxels by time."""
        if order != "C":
            raise TypeError("reshape: only in C order")
        if len(shape) == 1 and isinstance(shape[0], Sequence):
            shape = tuple(shape[0])
        return LazyArray(self._array.reshape([operator.index(length) for length in shape]))

    def ravel(self) -> LazyArray:
        """One axis, in C order."""
        return self.reshape(-1)

    def rechunk(self, chunks: int | Sequence[int]) -> LazyArray:
        """The same array in blocks of these lengths, which are the chunks that :meth:`to_zarr` writes."""
        lengths = [chunks] * self.ndim if isinstance(chunks, int) else list(chunks)
        lengths = [
            whole if wanted == -1 else wanted for wanted, whole in zip(lengths, self.shape, strict=True)
        ]
        return LazyArray(self._array.rechunk(lengths))

    def copy(self, order: str = "C") -> LazyArray:
        """The array itself: lazy arrays do not change."""
        return self

    # Types.

    def astype(self, dtype: npt.DTypeLike, *, overflow: str = "refuse") -> LazyArray:
        """The same numbers in another type. A number that the type does not hold is an ``OverflowError`` of
        ``compute``; ``overflow="wrap"`` does as numpy does, ``"saturate"`` takes the nearest number that fits."""
        return LazyArray(self._array.astype(np.dtype(dtype).name, overflow))

    def round(self, decimals: int = 0, out: None = None) -> LazyArray:
        """Whole numbers, halves to the even one."""
        if decimals != 0:
            raise TypeError("round: only to whole numbers; multiply, round and divide for others")
        return self._unary("rint")

    def clip(self, min: Operand | None = None, max: Operand | None = None, out: None = None) -> LazyArray:
        """``min`` where an element is below it, ``max`` where it is above that."""
        if min is None or max is None:
            raised = self if min is None else self._binary("maximum", min)
            return raised if max is None else raised._binary("minimum", max)
        self._fits(min, max)
        return LazyArray(self._array.clip(_operand(min, self), _operand(max, self)))

    # Elementwise.

    def _unary(self, name: str) -> LazyArray:
        return LazyArray(self._array.unary(name))

    def _binary(self, name: str, other: Operand) -> LazyArray:
        if name == "power" and self.dtype.kind in "iu" and isinstance(other, int) and other < 0:
            raise ValueError("Integers to negative integer powers are not allowed.")
        self._fits(other)
        return LazyArray(self._array.binary(name, _operand(other, self)))

    def _fits(self, *others: Operand) -> None:
        np.broadcast_shapes(
            self.shape,
            *(np.shape(other) for other in others if not isinstance(other, LazyArray)),
            *(other.shape for other in others if isinstance(other, LazyArray)),
        )

    def _reflected(self, name: str, other: Operand) -> LazyArray:
        """``other name self``."""
        if name in _COMMUTATIVE:
            return self._binary(name, other)
        is_number = isinstance(other, (int, float)) and not isinstance(other, (bool, np.generic))
        if is_number and name in ("subtract", "divide", "remainder"):
            return LazyArray(self._array.reflected(name, _operand(other, self)))
        # A weak number takes the type it has beside the array.
        is_weak = is_number or isinstance(other, bool)
        dtype = np.result_type(other, self.dtype) if is_weak else None
        return asarray(np.asarray(other, dtype=dtype))._binary(name, self)

    __add__, __radd__ = _both("add")
    __sub__, __rsub__ = _both("subtract")
    __mul__, __rmul__ = _both("multiply")
    __truediv__, __rtruediv__ = _both("divide")
    __floordiv__, __rfloordiv__ = _both("floor_divide")
    __mod__, __rmod__ = _both("remainder")
    __pow__, __rpow__ = _both("power")
    __and__, __rand__ = _both("bitwise_and")
    __or__, __ror__ = _both("bitwise_or")
    __xor__, __rxor__ = _both("bitwise_xor")
    __lt__, __gt__ = _both("less")[0], _both("greater")[0]
    __le__, __ge__ = _both("less_equal")[0], _both("greater_equal")[0]
    __eq__, __ne__ = _both("equal")[0], _both("not_equal")[0]  # type: ignore[assignment]

    def __neg__(self) -> LazyArray:
        return self._unary("negative")

    def __pos__(self) -> LazyArray:
        return self

    def __abs__(self) -> LazyArray:
        return self._unary("absolute")

    def __invert__(self) -> LazyArray:
        return self._unary("invert")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> LazyArray:
        """``numpy.sqrt(x)``, ``array + x``: lazy, too, where voxstore has the function."""
        name = _UFUNCS.get(ufunc)
        if method != "__call__" or kwargs or name is None:
            raise TypeError(
                f"numpy.{ufunc.__name__} is not done to lazy arrays like this; compute the array first"
            )
        first = inputs[0]
        if len(inputs) == 1:
            return first._unary(name)
        if isinstance(first, LazyArray):
            return first._binary(name, inputs[1])
        return (
            asarray(first)._binary(name, inputs[1])
            if name in _COMPARISONS
            else inputs[1]._reflected(name, first)
        )

    # Reductions.

    def _axes(self, axis: Axes) -> list[int] | None:
        return None if axis is None else list(normalize_axis_tuple(axis, self.ndim))

    def _reduce(
        self,
        name: str,
        axis: Axes,
        dtype: npt.DTypeLike | None = None,
        out: None = None,
        keepdims: bool = False,
        where: Any = True,
        **options: Any,
    ) -> LazyArray:
        if out is not None:
            raise TypeError(f"{name}: a lazy result has no out")
        array = self if dtype is None else self.astype(dtype)
        mask = None if where is True else _mask(where)
        return LazyArray(
            array._array.reduce(name, array._axes(axis), keepdims=bool(keepdims), mask=mask, **options)
        )

    def sum(
        self,
        axis: Axes = None,
        dtype: npt.DTypeLike | None = None,
        out: None = None,
        keepdims: bool = False,
        *,
        where: Any = True,
        skip_nan: bool = False,
    ) -> LazyArray:
        """Sum over axes; exact for integers, and beyond 64 bits an ``OverflowError`` of ``compute``."""
        return self._reduce("sum", axis, dtype, out, keepdims, where, skip_nan=skip_nan)

    def prod(
        self,
        axis: Axes = None,
        dtype: npt.DTypeLike | None = None,
        out: None = None,
        keepdims: bool = False,
        *,
        where: Any = True,
        skip_nan: bool = False,
    ) -> LazyArray:
        """Product over axes."""
        return self._reduce("prod", axis, dtype, out, keepdims, where, skip_nan=skip_nan)

    def mean(
        self,
        axis: Axes = None,
        dtype: npt.DTypeLike | None = None,
        out: None = None,
        keepdims: bool = False,
        *,
        where: Any = True,
        skip_nan: bool = False,
    ) -> LazyArray:
        """Mean over axes."""
        return self._reduce("mean", axis, dtype, out, keepdims, where, skip_nan=skip_nan)

    def var(
        self,
        axis: Axes = None,
        dtype: npt.DTypeLike | None = None,
        out: None = None,
        ddof: int = 0,
        keepdims: bool = False,
        *,
        where: Any = True,
        skip_nan: bool = False,
    ) -> LazyArray:
        """Variance over axes: squared deviations over ``n - ddof``. In one pass with mean and std of the same array."""
        return self._reduce("var", axis, dtype, out, keepdims, where, skip_nan=skip_nan, ddof=ddof)

    def std(
        self,
        axis: Axes = None,
        dtype: npt.DTypeLike | None = None,
        out: None = None,
        ddof: int = 0,
        keepdims: bool = False,
        *,
        where: Any = True,
        skip_nan: bool = False,
    ) -> LazyArray:
        """Standard deviation over axes."""
        return self._reduce("std", axis, dtype, out, keepdims, where, skip_nan=skip_nan, ddof=ddof)

    def min(
        self,
        axis: Axes = None,
        out: None = None,
        keepdims: bool = False,
        *,
        where: Any = True,
        skip_nan: bool = False,
    ) -> LazyArray:
        """Smallest element over axes."""
        return self._reduce("min", axis, None, out, keepdims, where, skip_nan=skip_nan)

    def max(
        self,
        axis: Axes = None,
        out: None = None,
        keepdims: bool = False,
        *,
        where: Any = True,
        skip_nan: bool = False,
    ) -> LazyArray:
        """Largest element over axes."""
        return self._reduce("max", axis, None, out, keepdims, where, skip_nan=skip_nan)

    def ptp(self, axis: Axes = None, out: None = None, keepdims: bool = False) -> LazyArray:
        """Largest less smallest element over axes."""
        return self._reduce("ptp", axis, None, out, keepdims)

    def argmin(
        self, axis: Axes = None, out: None = None, *, keepdims: bool = False, skip_nan: bool = False
    ) -> LazyArray:
        """Index of the smallest element; in C order over all axes."""
        return self._reduce("argmin", axis, None, out, keepdims, skip_nan=skip_nan)

    def argmax(
        self, axis: Axes = None, out: None = None, *, keepdims: bool = False, skip_nan: bool = False
    ) -> LazyArray:
        """Index of the largest element; in C order over all axes."""
        return self._reduce("argmax", axis, None, out, keepdims, skip_nan=skip_nan)

    def any(
        self, axis: Axes = None, out: None = None, keepdims: bool = False, *, where: Any = True
    ) -> LazyArray:
        """Whether any element is true, or not 0."""
        return self._reduce("any", axis, None, out, keepdims, where)

    def all(
        self, axis: Axes = None, out: None = None, keepdims: bool = False, *, where: Any = True
    ) -> LazyArray:
        """Whether all elements are true, or not 0."""
        return self._reduce("all", axis, None, out, keepdims, where)

    def median(
        self, axis: Axes = None, *, keepdims: bool = False, where: Any = True, skip_nan: bool = False
    ) -> LazyArray:
        """Median over axes, exact; holds the samples of a tile of cells."""
        return self._reduce("median", axis, keepdims=keepdims, where=where, skip_nan=skip_nan)

    def mad(
        self, axis: Axes = None, *, keepdims: bool = False, where: Any = True, skip_nan: bool = False
    ) -> LazyArray:
        """Median absolute deviation over axes, not scaled."""
        return self._reduce("mad", axis, keepdims=keepdims, where=where, skip_nan=skip_nan)

    def quantile(
        self,
        q: float,
        axis: Axes = None,
        *,
        method: str = "linear",
        keepdims: bool = False,
        where: Any = True,
        skip_nan: bool = False,
    ) -> LazyArray:
        """One quantile, 0 to 1, over axes: ``linear``, ``lower``, ``higher`` or ``midpoint``."""
        return self._reduce(
            "quantile", axis, keepdims=keepdims, where=where, skip_nan=skip_nan, q=q, method=method
        )

    def count_nonzero(self, axis: Axes = None, *, keepdims: bool = False, where: Any = True) -> LazyArray:
        """How many elements are not 0."""
        return self._reduce("count_nonzero", axis, keepdims=keepdims, where=where)

    def diff(self, axis: int = -1) -> LazyArray:
        """Differences of neighbours along an axis."""
        return LazyArray(self._array.diff(normalize_axis_index(axis, self.ndim)))

    # Files.

    def to_zarr(
        self,
        path: str | os.PathLike[str],
        *,
        like: Any = None,
        overwrite: bool = False,
        memory: int | str | None = None,
        threads: int | None = None,
        scratch: str | os.PathLike[str] | None = None,
        progress: ProgressListener | bool = False,
    ) -> None:
        """Writes the array, of any size, as a Zarr v3 array of axes in reverse order; it appears whole, by rename."""
        limits = Limits.of(memory, threads, scratch, progress)
        warn(_voxstore.write(self._array, path, False, _run_of(like), overwrite, limits))

    def to_nifti(
        self,
        path: str | os.PathLike[str],
        *,
        like: Any = None,
        overwrite: bool = False,
        memory: int | str | None = None,
        threads: int | None = None,
        scratch: str | os.PathLike[str] | None = None,
        progress: ProgressListener | bool = False,
    ) -> None:
        """Writes the array, of any size, as a NIfTI file with the grid and TR of the run ``like``."""
        limits = Limits.of(memory, threads, scratch, progress)
        warn(_voxstore.write(self._array, path, True, _run_of(like), overwrite, limits))


def compute(
    *arrays: LazyArray,
    memory: int | str | None = None,
    threads: int | None = None,
    scratch: str | os.PathLike[str] | None = None,
    progress: ProgressListener | bool = False,
) -> tuple[npt.NDArray[Any], ...]:
    """The numbers of several arrays, each in its own type; what they share is read and summed once.

    Options as in :meth:`LazyArray.compute`.
    """
    limits = Limits.of(memory, threads, scratch, progress)
    made, said = _voxstore.compute([array._array for array in arrays], limits)
    warn(said)
    return tuple(made)


def asarray(array: Any) -> LazyArray:
    """A lazy array over numbers in memory, which are copied; a lazy array as it is."""
    if isinstance(array, LazyArray):
        return array
    array = np.asarray(array)
    # Rust reads numbers of this machine's byte order, and where they may lie.
    return LazyArray(_voxstore.from_numpy(np.require(array, array.dtype.newbyteorder("="), "A")))


def _is_operand(other: Any) -> bool:
    return isinstance(other, (LazyArray, bool, int, float, np.generic, np.ndarray, list))


def _operand(other: Operand, beside: LazyArray) -> Any:
    """What the library takes beside an array. Python's numbers are weak, numpy's have a type (NEP 50)."""
    if isinstance(other, LazyArray):
        return other._array
    if isinstance(other, (np.generic, np.ndarray)):
        return asarray(other)._array
    if isinstance(other, int) and not -(2**63) <= other < 2**63:
        if beside.dtype.kind != "f":
            raise OverflowError(f"Python integer {other} out of bounds for {beside.dtype}")
        return float(other)
    if isinstance(other, (bool, int, float)):
        return other
    return asarray(other)._array


def _mask(where: Any) -> _voxstore.Array:
    mask = asarray(where)
    if mask.dtype != np.bool_:
        raise TypeError(f"where: expected a mask of bool, found {mask.dtype}")
    return mask._array


def _run_of(like: Any) -> Any:
    if like is not None and not hasattr(like, "_run"):
        raise TypeError("like: expected a run, as voxstore.open gives it")
    return None if like is None else like._run


def _basic_index(index: Any, shape: tuple[int, ...]) -> list[Any]:
    """An index of numpy's basic indexing as the library takes it: an index from 0, ``(first, step, count)`` or ``None``."""
    items = index if isinstance(index, tuple) else (index,)
    given = sum(item is not None and item is not Ellipsis for item in items)
    if given > len(shape):
        raise IndexError(
            f"too many indices for array: array is {len(shape)}-dimensional, but {given} were indexed"
        )
    if sum(item is Ellipsis for item in items) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    out: list[Any] = []
    axis = 0
    for item in items:
        if item is Ellipsis:
            whole = len(shape) - given
            out += [(0, 1, length) for length in shape[axis : axis + whole]]
            axis += whole
            continue
        if item is None:
            out.append(None)
            continue
        length = shape[axis]
        if isinstance(item, slice):
            indices = range(*item.indices(length))
            out.append((indices.start, indices.step, len(indices)))
        elif isinstance(item, (bool, np.bool_, list)) or (hasattr(item, "shape") and item.shape != ()):
            raise IndexError(
                "lazy arrays take integers, slices, ... and None; take() picks along one axis, and a mask is "
                "where=mask of a reduction"
            )
        else:
            try:
                at = operator.index(item)
            except TypeError:
                raise IndexError(
                    "only integers, slices (`:`), ellipsis (`...`) and numpy.newaxis (`None`) are valid indices"
                ) from None
            if not -length <= at < length:
                raise IndexError(f"index {at} is out of bounds for axis {axis} with size {length}")
            out.append(at % length)
        axis += 1
    return out


_COMMUTATIVE = [
    "add",
    "multiply",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "minimum",
    "maximum",
    "fmin",
    "fmax",
]
_COMPARISONS = ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]
_OTHERS = ["subtract", "divide", "floor_divide", "remainder", "power"]
_UNARY = [
    "negative",
    "absolute",
    "invert",
    "sqrt",
    "square",
    "reciprocal",
    "exp",
    "expm1",
    "log",
    "log1p",
    "log10",
]
_UNARY += ["sign", "floor", "ceil", "trunc", "rint", "isnan", "isinf", "isfinite"]

# What `unary` and `binary` of the handle take.
_UFUNCS = {getattr(np, name): name for name in [*_COMMUTATIVE, *_COMPARISONS, *_OTHERS, *_UNARY]}

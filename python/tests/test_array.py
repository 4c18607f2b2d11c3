"""Lazy arrays beside numpy's: the same shapes, types, numbers and exceptions."""

import ast
import operator
import pickle

import numpy as np
import pytest
from conftest import ROOT, same

import voxstore

RNG = np.random.default_rng(0)
BASES = {
    "int16": RNG.integers(-300, 300, (4, 3, 5)).astype("i2"),
    "uint8": RNG.integers(1, 200, (4, 3, 5)).astype("u1"),
    "int64": RNG.integers(1, 9, (4, 3, 5)),
    "float32": RNG.normal(size=(4, 3, 5)).astype("f4"),
    "float64": RNG.normal(size=(4, 3, 5)),
    "bool": RNG.random((4, 3, 5)) < 0.4,
}
REAL = [name for name in BASES if name != "bool"]


@pytest.fixture(params=BASES)
def pair(request):
    return voxstore.asarray(BASES[request.param]), BASES[request.param]


@pytest.fixture(params=REAL)
def real(request):
    return voxstore.asarray(BASES[request.param]), BASES[request.param]


def test_what_is_known_without_reading(pair):
    lazy, array = pair
    for name in ["shape", "dtype", "ndim", "size", "nbytes"]:
        assert getattr(lazy, name) == getattr(array, name), name
    assert len(lazy) == 4
    assert tuple(map(sum, lazy.chunks)) == array.shape
    same(lazy, array)


INDICES = [
    np.s_[2], np.s_[-1], np.s_[1, 2, 3], np.s_[...], np.s_[..., 1:], np.s_[1:3, ..., -1], np.s_[::2, ::-1],
    np.s_[3:0:-2], np.s_[:, None, 1], np.s_[None], np.s_[..., None], np.s_[5:9], np.s_[0:0], np.s_[:, :, ::-3],
    np.s_[-3:-1, 1:100], np.s_[np.int64(1), np.uint8(2)], np.s_[2:-1:5, ..., None, 0], np.s_[::-1, 0, ...],
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_indices_are_numpys(index, pair):
    lazy, array = pair
    part = lazy[index]
    assert isinstance(part, voxstore.LazyArray)
    same(part, array[index])


@pytest.mark.parametrize(
    "index",
    [
        4,
        -5,
        (0, 3),
        (0, 0, 0, 0),
        (..., ...),
        1.5,
        "x",
        [0, 1],
        True,
        np.array([0, 1]),
        np.array([True, False, True, True]),
    ],
    ids=repr,
)
def test_indices_that_are_none_are_index_errors(index):
    with pytest.raises(IndexError):
        voxstore.asarray(BASES["int16"])[index]


def test_rows_come_one_by_one():
    lazy, array = voxstore.asarray(BASES["int16"]), BASES["int16"]
    assert len(list(lazy)) == 4
    same(list(lazy)[2], array[2])


BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
          operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]  # fmt: skip


@pytest.mark.parametrize(
    "other", [3, 2.5, np.float32(1.5), np.int16(4), np.int64(7)], ids=lambda o: f"{type(o).__name__}"
)
@pytest.mark.parametrize("op", BINARY)
def test_operators_with_numbers_on_both_sides(op, other, real):
    lazy, array = real
    with np.errstate(all="ignore"):
        same(op(lazy, other), op(array, other))
        if op not in (operator.truediv, operator.floordiv, operator.mod) or (array != 0).all():
            same(op(other, lazy), op(other, array))


@pytest.mark.parametrize("op", BINARY)
def test_operators_between_arrays_broadcast_and_promote(op, real):
    lazy, array = real
    row = np.array([2, 3, 4, 5, 6], "i4")
    for other in (row, row.astype("f4"), row.astype("f8")[None]):
        with np.errstate(all="ignore"):
            same(op(lazy, voxstore.asarray(other)), op(array, other))
            same(op(lazy, other), op(array, other))
            if (array != 0).all() or op not in (operator.truediv, operator.floordiv, operator.mod):
                same(op(other, lazy), op(other, array))


def test_powers(real):
    lazy, array = real
    for exponent in (2, 3, 2.0):
        same(lazy**exponent, array**exponent)
    with pytest.raises(TypeError):
        lazy ** voxstore.asarray(array)


@pytest.mark.parametrize("name", ["int16", "uint8", "bool"])
def test_bits(name):
    lazy, array = voxstore.asarray(BASES[name]), BASES[name]
    same(lazy & lazy[::-1], array & array[::-1])
    same(lazy | 1 if name != "bool" else lazy | True, array | 1 if name != "bool" else array | True)
    same(lazy ^ lazy[::-1], array ^ array[::-1])
    same(~lazy, ~array)
    same(1 & lazy if name != "bool" else True & lazy, 1 & array if name != "bool" else True & array)


def test_mistakes_are_numpys_exceptions():
    arrays = {name: (voxstore.asarray(array), array) for name, array in BASES.items()}
    (f, nf), (u, nu), (b, nb), (i, ni) = (arrays[name] for name in ("float64", "uint8", "bool", "int16"))
    for wrong in [
        lambda f, u, b, i: f & f,
        lambda f, u, b, i: ~f,
        lambda f, u, b, i: -b,
        lambda f, u, b, i: b - b,
        lambda f, u, b, i: f + f[:, :2],
        lambda f, u, b, i: u + 300,
        lambda f, u, b, i: u + 2**70,
        lambda f, u, b, i: 300 - u,
        lambda f, u, b, i: i**-1,
        lambda f, u, b, i: f.sum(3),
        lambda f, u, b, i: f.sum((0, 0)),
        lambda f, u, b, i: f.mean((0, -4)),
        lambda f, u, b, i: f[:, :0].max(1),
        lambda f, u, b, i: f.transpose(0, 1),
        lambda f, u, b, i: f.transpose(0, 1, 1),
        lambda f, u, b, i: f.squeeze(1),
        lambda f, u, b, i: f.reshape(7, -1),
        lambda f, u, b, i: f.take([5], 0),
        lambda f, u, b, i: f.swapaxes(0, 7),
        lambda f, u, b, i: bool(f),
        lambda f, u, b, i: f + "x",
        lambda f, u, b, i: len(f[0, 0, 0]),
    ]:
        with pytest.raises(Exception) as numpys:
            wrong(nf, nu, nb, ni)
        with pytest.raises(Exception) as ours:
            wrong(f, u, b, i)
        assert issubclass(ours.type, numpys.type) or issubclass(numpys.type, ours.type), (
            ours.value,
            numpys.value,
        )


def test_numpys_functions_are_lazy_where_voxstore_has_them(real):
    lazy, array = real
    for ufunc in [
        np.sqrt,
        np.exp,
        np.log1p,
        np.square,
        np.isnan,
        np.isfinite,
        np.floor,
        np.sign,
        np.abs,
        np.negative,
    ]:
        made = ufunc(lazy)
        assert isinstance(made, voxstore.LazyArray), ufunc
        with np.errstate(all="ignore"):
            wanted = ufunc(array)
        if wanted.dtype == np.float16:  # there is none here
            with np.errstate(all="ignore"):
                same(made, ufunc(array.astype("f4")), 1e-6)
        else:
            same(made, wanted)
    for function in [np.mean, np.std, np.var, np.sum, np.max, np.min, np.argmax, np.any, np.all, np.prod]:
        made = function(lazy, axis=-1)
        assert isinstance(made, voxstore.LazyArray), function
        if function is not np.prod:
            same(made, function(array, axis=-1), 1e-5 if array.dtype == np.float32 else 1e-12)
    assert isinstance(np.moveaxis(lazy, 0, -1), voxstore.LazyArray)
    same(np.maximum(lazy, 1), np.maximum(array, 1))
    same(np.clip(lazy, 1, 4), np.clip(array, 1, 4))
    with pytest.raises(TypeError, match="compute"):
        np.sin(lazy)
    with pytest.raises(TypeError, match="compute"):
        np.add(lazy, 1, out=lazy)


REDUCTIONS = ["sum", "mean", "var", "std", "min", "max", "argmin", "argmax", "any", "all"]


AXES = [(name, axis) for name in REDUCTIONS for axis in (None, 0, -1, (0, 2), (-1, 0))]


# numpy's argmin and argmax have one axis, or all.
@pytest.mark.parametrize(
    ("name", "axis"), [(n, a) for n, a in AXES if not (n[:3] == "arg" and isinstance(a, tuple))]
)
def test_reductions_are_numpys(name, axis, pair):
    lazy, array = pair
    loose = 1e-5 if array.dtype == np.float32 else 1e-12
    for keepdims in (False, True):
        same(
            getattr(lazy, name)(axis, keepdims=keepdims), getattr(array, name)(axis, keepdims=keepdims), loose
        )


def test_reductions_take_ddof_masks_and_leave_out_nan():
    array = BASES["float64"].copy()
    mask = array[..., :1] > -1
    lazy = voxstore.asarray(array)
    same(lazy.std(-1, ddof=1), array.std(-1, ddof=1))
    same(lazy.mean(0, where=mask), array.mean(0, where=mask))
    same(lazy.sum((0, 1), where=lazy > 0), array.sum((0, 1), where=array > 0))
    array[0, 1, 2] = np.nan
    lazy = voxstore.asarray(array)
    same(lazy.mean(-1, skip_nan=True), np.nanmean(array, -1))
    same(voxstore.nanstd(lazy, -1), np.nanstd(array, -1))
    same(voxstore.nanmedian(lazy, 0), np.nanmedian(array, 0))
    assert np.isnan(np.asarray(lazy.mean(-1))).sum() == 1
    with pytest.raises(TypeError, match="mask of bool"):
        lazy.sum(where=lazy)


def test_order_statistics(real):
    lazy, array = real
    same(voxstore.median(lazy, -1), np.median(array, -1))
    same(
        voxstore.quantile(lazy, 0.3, (0, 1)),
        np.quantile(array, 0.3, (0, 1)).astype(lazy.quantile(0.3).dtype),
        1e-6,
    )
    same(voxstore.percentile(lazy.astype("f8"), 30, 0), np.percentile(array.astype("f8"), 30, 0))
    lower = np.quantile(array, 0.3, -1, method="lower")
    same(
        lazy.quantile(0.3, -1, method="lower"),
        lower.astype(np.result_type(array, "f4") if array.dtype.kind == "f" else "f8"),
    )
    edges = [-100.0, 0.0, 2.0, 50.0]
    same(voxstore.histogram(lazy, edges), np.histogram(array, edges)[0])


def test_shapes_and_joins(pair):
    lazy, array = pair
    same(lazy.T, array.T)
    same(lazy.transpose(1, 0, 2), array.transpose(1, 0, 2))
    same(lazy.swapaxes(0, 2), array.swapaxes(0, 2))
    same(voxstore.moveaxis(lazy, 0, -1), np.moveaxis(array, 0, -1))
    same(voxstore.expand_dims(lazy, (0, -1)), np.expand_dims(array, (0, -1)))
    same(lazy[None, :, None].squeeze(), array)
    same(voxstore.flip(lazy, 0), np.flip(array, 0))
    same(lazy.reshape(-1, 5), array.reshape(-1, 5))
    same(lazy.ravel(), array.ravel())
    same(lazy.take([2, 0, 0, -1], 0), array.take([2, 0, 0, -1], 0))
    same(voxstore.broadcast_to(lazy[0], (2, 3, 5)), np.broadcast_to(array[0], (2, 3, 5)))
    same(voxstore.concatenate([lazy, lazy[:2]], 0), np.concatenate([array, array[:2]], 0))
    same(voxstore.concatenate([lazy, lazy], -1), np.concatenate([array, array], -1))
    same(voxstore.stack([lazy, lazy], -1), np.stack([array, array], -1))
    with pytest.raises(ValueError):
        voxstore.concatenate([lazy, lazy[:, :2]], 0)


def test_choices_and_types(real):
    lazy, array = real
    same(voxstore.where(lazy > 1, lazy, 0), np.where(array > 1, array, array.dtype.type(0)))
    same(voxstore.diff(lazy, 0), np.diff(array, axis=0))
    same(lazy.astype("f8"), array.astype("f8"))
    same((lazy * 0 + 65).astype("u1"), (array * 0 + 65).astype("u1"))
    with pytest.raises(OverflowError, match="300"):
        voxstore.asarray([300.0]).astype("u1").compute()
    same(voxstore.asarray([300]).astype("u1", overflow="wrap"), np.array([300]).astype("u1"))
    same(voxstore.asarray([300]).astype("u1", overflow="saturate"), np.array([255], "u1"))
    weights = np.arange(1.0, 6.0)
    same(voxstore.average(lazy.astype("f8"), -1, weights), np.average(array.astype("f8"), -1, weights))


def test_creation():
    same(voxstore.zeros((2, 3)), np.zeros((2, 3)))
    same(voxstore.ones(3, "i2"), np.ones(3, "i2"))
    same(voxstore.full((2, 2), 2.5), np.full((2, 2), 2.5))
    same(voxstore.arange(7), np.arange(7))
    same(voxstore.arange(1, 2, 0.25), np.arange(1, 2, 0.25))
    same(voxstore.asarray(np.arange(6, dtype=">i4")), np.arange(6, dtype="i4"))
    for wrong in (np.zeros(2, complex), np.array(["x"]), np.zeros(2, "f2")):
        with pytest.raises(TypeError):
            voxstore.asarray(wrong)


def unaligned(array):
    """The same numbers, a byte off."""
    made = np.ndarray(array.shape, array.dtype, bytearray(array.nbytes + 1), 1, order="F")
    made[...] = array
    assert not made.flags.aligned
    return made


def test_numbers_may_lie_at_any_address():
    for array in BASES.values():
        if array.itemsize > 1:
            same(voxstore.asarray(unaligned(array)), array)
    # A column of a packed record: its steps are no whole numbers of elements.
    records = np.zeros(5, [("flag", "i1"), ("value", "f8")])
    records["value"] = [1.5, 2.5, 4.0, -1.0, 7.0]
    same(voxstore.asarray(records["value"]), records["value"])
    with pytest.raises(ValueError, match="aligned"):
        voxstore.asarray([1.0, 2.0]).compute(out=unaligned(np.zeros(2)))


def test_numbers_of_one_element():
    x = voxstore.asarray([1.0, 2.0, 6.0])
    assert float(x.mean()) == 3.0 and int(x.max()) == 6 and bool(x.sum() > 8) and x.item(1) == 2.0
    assert f"{float(x.std()):.3f}" == f"{np.std([1.0, 2.0, 6.0]):.3f}"
    with pytest.raises(ValueError):
        float(x)
    with pytest.raises(ValueError):
        np.array(x, copy=False)
    with pytest.raises(TypeError):
        hash(x)


def test_several_results_in_one_scan_each_in_its_own_type():
    array = BASES["int16"]
    lazy = voxstore.asarray(array)
    mean, peak, where = voxstore.compute(lazy.mean(-1), lazy.max(-1), lazy.argmax(-1))
    same(mean, array.mean(-1))
    same(peak, array.max(-1))
    same(where, array.argmax(-1))
    assert mean.flags.f_contiguous


def test_a_plan_is_text_json_and_a_picture(run, tmp_path):
    tsnr = run.mean(-1) / run.std(-1)
    plan = tsnr.explain(memory="64MiB", threads=1)
    assert plan.scans == 1 and plan.peak_bytes < plan.budget_bytes == 64 << 20
    assert "mean, std share" in str(plan) and '"passes"' in plan.json and plan.dot.startswith("digraph")
    assert plan._repr_html_().startswith("<svg")
    tsnr.visualize(tmp_path / "plan.svg")
    assert (tmp_path / "plan.svg").read_text().startswith("<svg")
    assert tsnr._repr_html_().startswith("<svg") and "(10, 10, 18)" in repr(tsnr)


def test_numbers_go_into_memory_that_is_there():
    array = BASES["int16"]
    out = np.zeros((5, 4), "f8")
    assert voxstore.asarray(array).max(1).compute(out=out.T) is not None
    np.testing.assert_array_equal(out.T, array.max(1))
    for wrong in (np.zeros((5, 4)), np.zeros((4, 5), "u1")):
        with pytest.raises(ValueError):
            voxstore.asarray(array).max(1).compute(out=wrong)


def test_who_asks_numpy_for_all_of_it_has_the_room():
    large = voxstore.ones((1 << 16, 1 << 10), "u1") + 1
    assert np.asarray((large + large)[:, :1000]).nbytes > 60 << 20
    with pytest.raises(voxstore.NotEnoughMemory):
        large.compute(memory="64MiB")
    assert large.compute(memory="64MiB", out=np.empty(large.shape, "u1")).min() == 2


def test_the_stub_says_what_there_is():
    stub = ast.parse((ROOT / "python/voxstore/_voxstore.pyi").read_text())
    module = voxstore._array._voxstore
    said = {node.name: node for node in stub.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert set(said) == {name for name in vars(module) if not name.startswith("__")}
    for name, node in said.items():
        if isinstance(node, ast.ClassDef):
            members = {member.name for member in node.body if isinstance(member, ast.FunctionDef)}
            assert members == {m for m in vars(getattr(module, name)) if not m.startswith("__")}, name


def test_all_names_are_there():
    for name in voxstore.__all__:
        assert getattr(voxstore, name).__doc__ or name == "__version__", name


def test_arrays_of_rules_take_no_memory():
    large = voxstore.zeros((10**5, 10**5)) + 1
    assert large.nbytes == 8 * 10**10
    assert float(large[:1000, :1000].sum()) == 10**6


def test_handles_that_are_no_run_say_so_when_pickled():
    with pytest.raises(TypeError):
        pickle.dumps(voxstore.asarray([1.0]))

"""Runs, stores, ingest and tSNR from Python, against nibabel and numpy; and what is raised."""

import gzip
import os
import pickle
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from conftest import FMRI1, FMRI2, same

import voxstore


def test_a_run_is_an_array_that_knows_its_file(run, truth):
    image = nib.load(FMRI1)
    assert run.shape == image.shape and run.dtype == image.get_data_dtype()
    np.testing.assert_allclose(run.affine, image.affine)
    np.testing.assert_allclose(run.zooms_mm, image.header.get_zooms()[:3])
    assert run.tr_seconds == pytest.approx(image.header.get_zooms()[3]) and run.start_seconds == 0
    assert run.header[:348] == gzip.decompress(Path(FMRI1).read_bytes())[:348]
    assert run.is_stream and run.sidecar == {} and run.name == "fmri1.nii.gz"
    same(run[3, 4, 5], truth[3, 4, 5])
    same(run.mean(-1) / run.std(-1), truth.mean(-1) / truth.std(-1))
    assert isinstance(run + 1, voxstore.LazyArray) and not isinstance(run + 1, voxstore.Run)
    same(pickle.loads(pickle.dumps(run)).max(), truth.max())


def test_slope_and_intercept_are_applied(scaled):
    path, true = scaled
    run = voxstore.open(path)
    assert run.stored_dtype == "int16" and run.dtype == "float64" and (run.slope, run.inter) == (0.25, 10.0)
    assert not run.is_stream and run.tr_seconds == 1.5
    same(run, true)
    same(run.std((0, 1, 2)), true.std((0, 1, 2)))


def test_what_a_file_says_untidily_is_a_warning_at_the_callers_line(run):
    with pytest.warns(voxstore.SourceWarning, match="N90") as caught:
        run.mean().compute()
    assert caught[0].filename == __file__


def test_a_store_is_a_mapping_of_its_runs(store, truth):
    opened = voxstore.open(store)
    assert isinstance(opened, voxstore.Store) and len(opened) == 2
    assert list(opened) == opened.runs == ["runs/fmri1.ome.zarr", "runs/fmri2.ome.zarr"]
    run = opened["fmri1"]
    same(run[..., 7], truth[..., 7])
    assert not run.is_stream and "fmri1" in opened and "none" not in opened
    same(voxstore.open(f"{store}/runs/fmri1.ome.zarr").max(), truth.max())
    same(pickle.loads(pickle.dumps(run)).min(), truth.min())
    assert [chosen.name for chosen in opened.select("*2")] == ["runs/fmri2.ome.zarr"]
    with pytest.raises(KeyError, match="has no run 'none'|no run \"none\"") as error:
        opened["none"]
    assert isinstance(error.value, voxstore.Error)


def test_only_what_is_sliced_is_read(scaled):
    path, true = scaled
    run = voxstore.open(path)
    assert run[..., :2].explain().read_bytes == 2 * 120 * 2
    same(run[..., :2], true[..., :2])


def test_nothing_is_read_of_nothing(scaled, tmp_path):
    """What dask asks for to learn the type; the file may be gone."""
    path = tmp_path / "x.nii"
    shutil.copy(scaled[0], path)
    run = voxstore.open(path)
    path.unlink()
    assert np.asarray(run[:0, :0, :0, :0]).shape == (0, 0, 0, 0)
    with pytest.raises(OSError):
        run.max().compute()


@pytest.mark.parametrize("kind", ["absent", "text", "cut", "folder"])
def test_what_cannot_be_opened_says_why(kind, tmp_path):
    path = tmp_path / "x.nii.gz"
    classes = {"absent": FileNotFoundError, "text": ValueError, "cut": OSError, "folder": ValueError}
    if kind == "text":
        path.write_text("no image at all, but long enough to be looked at" * 20)
    elif kind == "cut":
        path.write_bytes(Path(FMRI1).read_bytes()[:200])
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(classes[kind], match="x.nii.gz") as error:
        voxstore.open(path)
    assert isinstance(error.value, voxstore.Error)


def test_a_damaged_file_gives_no_numbers(tmp_path):
    path = tmp_path / "x.nii.gz"
    path.write_bytes(Path(FMRI1).read_bytes()[:-2000])
    run = voxstore.open(path)
    with pytest.raises(voxstore.DamagedSource, match="x.nii.gz") as error:
        run.mean().compute()
    assert isinstance(error.value, OSError)


def test_a_damaged_chunk_is_named(store):
    folder = f"{store}/runs/fmri1.ome.zarr/0"
    chunk = next(name for name in sorted(os.listdir(folder)) if name.startswith("c."))
    with open(f"{folder}/{chunk}", "r+b") as file:
        file.seek(40)
        file.write(b"\0\1\2\3")
    with pytest.raises(voxstore.DamagedSource, match="crc32c"):
        voxstore.open(store)["fmri1"].max().compute()


def test_what_does_not_fit_is_refused_with_the_number_that_would_do():
    large = voxstore.zeros((1000, 1000, 200)) + 1
    with pytest.raises(voxstore.NotEnoughMemory, match=r'memory="\d+MiB"') as error:
        large.compute(memory="64MiB")
    assert isinstance(error.value, MemoryError) and error.value.needed_bytes > 8 * 2 * 10**8
    assert "--" not in str(error.value)
    for wrong in ({"memory": "lots"}, {"memory": 1}, {"threads": 0}):
        with pytest.raises(ValueError):
            large.compute(**wrong)


def test_ingest_says_what_became_of_each(tmp_path):
    bad = tmp_path / "bad.nii.gz"
    bad.write_bytes(Path(FMRI1).read_bytes()[:-2000])
    path = tmp_path / "study.zarr"
    first = voxstore.ingest([FMRI1, bad, voxstore.open(FMRI2)], path, codec="zstd", chunk=(8, 6))
    assert [row.outcome for row in first] == ["written", "failed", "written"]
    text = tmp_path / "text.nii"
    text.write_text("no image" * 100)
    assert [row.outcome for row in voxstore.ingest([FMRI1, text, FMRI2], path)] == [
        "skipped",
        "failed",
        "skipped",
    ]
    assert [row.outcome for row in voxstore.ingest([text], path)] == ["failed"]
    assert "bad.nii.gz" in first[1].error and first[0].raw_bytes == 10 * 10 * 18 * 40 * 2
    assert [row.outcome for row in voxstore.ingest([FMRI1, FMRI2], path)] == ["skipped", "skipped"]
    assert voxstore.open(path)["fmri1"].chunksize == (10, 10, 6, 8)
    with pytest.raises(FileNotFoundError):
        voxstore.ingest("nothing.nii", path)
    with pytest.raises(ValueError, match="blosc-zstd"):
        voxstore.ingest(FMRI1, path, codec="lzma")
    with pytest.raises(FileExistsError):
        other = tmp_path / "other" / "fmri1.nii.gz"
        other.parent.mkdir()
        shutil.copy(FMRI2, other)
        voxstore.ingest(other, path)
    with pytest.raises(voxstore.Error):
        voxstore.ingest([bad], tmp_path / "strict.zarr", strict=True)


def test_tsnr_is_that_of_the_formula(truth, store, tmp_path):
    second = np.asarray(nib.load(FMRI2).dataobj)
    joined = np.concatenate([truth, second], -1).astype(float)
    wanted = joined.mean(-1) / joined.std(-1)
    for runs in ([FMRI1, FMRI2], [voxstore.open(FMRI1), FMRI2], store, voxstore.open(store)):
        done = voxstore.tsnr(runs)
        np.testing.assert_allclose(done.map, wanted, rtol=1e-12)
        assert done.concatenated_median == done.median and len(done.run_medians) == 2
    assert done.record["definition"]["across_runs"] == "concatenated"
    assert any("level shifts" in warning for warning in done.warnings)
    one = voxstore.tsnr(FMRI1, ddof=1, mask="auto", dummy_scans=2, censor=[[5, 7]])
    kept = np.delete(truth, [0, 1, 5, 7], -1).astype(float)
    inside = one.map > 0
    assert 0 < inside.sum() < inside.size
    np.testing.assert_allclose(one.map[inside], (kept.mean(-1) / kept.std(-1, ddof=1))[inside], rtol=1e-12)
    one.to_nifti(tmp_path / "tsnr.nii.gz")
    image = nib.load(tmp_path / "tsnr.nii.gz")
    np.testing.assert_allclose(image.get_fdata(), one.map, rtol=1e-6)
    np.testing.assert_allclose(image.affine, nib.load(FMRI1).affine)
    # Whatever the map's address, as after a journey between processes.
    apart = np.ndarray(one.map.shape, "f8", bytearray(one.map.nbytes + 1), 1)
    apart[...] = one.map
    replace(one, map=apart).to_nifti(tmp_path / "apart.nii.gz")
    np.testing.assert_array_equal(nib.load(tmp_path / "apart.nii.gz").get_fdata(), image.get_fdata())
    fsl = voxstore.tsnr(FMRI1, like="fsl", across="per-run")
    np.testing.assert_allclose(fsl.run_maps[0], truth.mean(-1) / truth.std(-1, ddof=1), rtol=1e-12)
    for wrong in (
        {"like": "spm"},
        {"across": "both"},
        {"ddof": "all"},
        {"like": "fsl", "ddof": 0},
        {"constant": 3},
    ):
        with pytest.raises(ValueError):
            voxstore.tsnr(FMRI1, **wrong)


def test_results_are_written_as_they_flow(run, truth, tmp_path):
    change = run / run.mean(-1, keepdims=True) - 1
    wanted = truth / truth.mean(-1, keepdims=True) - 1
    change.to_nifti(tmp_path / "change.nii.gz", like=run)
    image = nib.load(tmp_path / "change.nii.gz")
    np.testing.assert_allclose(image.get_fdata(), wanted, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(image.affine, run.affine)
    change.rechunk((10, 10, 18, 5)).to_zarr(tmp_path / "change.zarr", like=run)
    back = voxstore.open(tmp_path / "change.zarr")
    same(back, wanted)
    assert back.chunksize == (10, 10, 18, 5)
    with pytest.raises(FileExistsError):
        change.to_zarr(tmp_path / "change.zarr")
    with pytest.raises(FileExistsError):
        change.to_nifti(tmp_path / "change.nii.gz")
    change.to_nifti(tmp_path / "change.nii.gz", overwrite=True)
    with pytest.raises(TypeError, match="like"):
        change.to_nifti(tmp_path / "x.nii", like=change)


def test_delayed_values_are_computed_when_they_are_read():
    import dask

    calls = []

    @dask.delayed
    def load(number):
        calls.append(number)
        return np.asfortranarray(np.arange(24.0).reshape(2, 3, 4) + number)

    arrays = [voxstore.from_delayed(load(number), (2, 3, 4), "i2") for number in (0, 100)]
    joined = voxstore.concatenate(arrays, -1)
    assert calls == [] and joined.shape == (2, 3, 8) and joined.dtype == "int16"
    wanted = np.concatenate([np.arange(24).reshape(2, 3, 4) + number for number in (0, 100)], -1).astype("i2")
    mean, std = voxstore.compute(joined.mean(-1), joined.std(-1))
    assert sorted(calls) == [0, 100]
    same(mean, wanted.mean(-1))
    same(std, wanted.std(-1))
    same(joined, wanted)


@pytest.mark.parametrize(
    ("value", "exception", "match"),
    [
        (np.zeros((3, 2)), ValueError, "shape"),
        (np.full((2, 3), 0.5), ValueError, "0.5 is no int16"),
        (np.full((2, 3), 70000), ValueError, "70000 is no int16"),
        (np.full((2, 3), np.nan), ValueError, "nan is no int16"),
    ],
)
def test_a_delayed_value_that_is_not_what_was_said_is_an_error(value, exception, match):
    with pytest.raises(exception, match=match):
        voxstore.from_delayed(lambda: value, (2, 3), "i2").sum().compute()


def test_what_a_delayed_value_raises_is_raised():
    def fails():
        raise LookupError("no such subject")

    with pytest.raises(LookupError, match="no such subject"):
        voxstore.from_delayed(fails, (2, 3), "i2").sum().compute()


def test_messages_name_keywords_not_options(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for work in (
            lambda: voxstore.ingest(FMRI1, tmp_path / "x.zarr", memory="17MiB"),
            lambda: voxstore.tsnr(FMRI1, memory="16.1MiB"),
        ):
            with pytest.raises(voxstore.NotEnoughMemory) as error:
                work()
            assert "--" not in str(error.value), error.value

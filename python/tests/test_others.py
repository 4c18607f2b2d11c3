"""nibabel, dask and xarray over lazy arrays."""

import dask.array as da
import nibabel as nib
import numpy as np
import pytest
import xarray as xr
from conftest import FMRI1, same

import voxstore


@pytest.fixture
def computed(monkeypatch):
    """The shapes of all that is computed."""
    shapes = []
    compute = voxstore.LazyArray.compute

    def told(array, **options):
        shapes.append(array.shape)
        return compute(array, **options)

    monkeypatch.setattr(voxstore.LazyArray, "compute", told)
    return shapes


def test_an_image_of_nibabel_reads_nothing_until_asked(run, truth, computed):
    image = nib.Nifti1Image(run, run.affine)
    assert image.shape == run.shape and image.get_data_dtype() == run.dtype
    assert computed == []
    part = image.slicer[..., 3:5]
    assert computed == []
    same(part.get_fdata(), truth[..., 3:5].astype(float))
    assert computed == [(10, 10, 18, 2)]
    same(np.asarray(image.dataobj[4]), truth[4])
    assert computed[1:] == [(10, 18, 40)]
    same(image.get_fdata(), truth.astype(float))


def test_an_image_of_nibabel_is_saved(run, truth, tmp_path):
    tsnr = run.mean(-1) / run.std(-1)
    nib.save(nib.Nifti1Image(tsnr, run.affine), tmp_path / "tsnr.nii")
    np.testing.assert_allclose(
        nib.load(tmp_path / "tsnr.nii").get_fdata(), truth.mean(-1) / truth.std(-1), rtol=1e-12
    )


def test_dask_reads_nothing_until_asked(store, truth, computed):
    run = voxstore.open(store)["fmri1"]
    for array in (
        da.from_array(run),
        da.from_array(run, chunks=run.chunks),
        da.from_array(run, chunks=(5, 5, 9, 10)),
    ):
        assert array.shape == run.shape and array.dtype == run.dtype
        assert computed == []
        np.testing.assert_allclose(array.std(-1).compute(), truth.std(-1), rtol=1e-12)
        same(array[3, 4, ::2, 5].compute(), truth[3, 4, ::2, 5])
        computed.clear()


@pytest.mark.parametrize("where", ["file", "store"])
def test_xarray_opens_runs(where, store, truth, computed):
    if where == "file":
        data = xr.open_dataset(FMRI1, engine="voxstore")
    else:
        data = xr.open_dataset(store, engine="voxstore", run="fmri1")
    run = voxstore.open(FMRI1)
    assert data.voxels.dims == ("x", "y", "z", "t") and data.voxels.shape == truth.shape
    assert data.voxels.attrs["tr_seconds"] == run.tr_seconds
    np.testing.assert_array_equal(np.reshape(data.voxels.attrs["affine"], (4, 4)), run.affine)
    assert computed == []
    same(data.voxels.isel(t=3).values, truth[..., 3])
    assert computed == [(10, 10, 18)]
    same(data.voxels.isel(x=[3, 1], t=slice(None, None, -2)).values, truth[[3, 1]][..., ::-2])
    same(
        data.voxels.isel(x=xr.DataArray([0, 1, 2], dims="v"), y=xr.DataArray([2, 1, 0], dims="v")).values,
        truth[[0, 1, 2], [2, 1, 0]],
    )
    late = data.sel(t=slice(10, None)).voxels
    same(late.values, truth[..., np.arange(40) * run.tr_seconds >= 10])
    np.testing.assert_allclose(data.voxels.mean("t"), truth.mean(-1))


def test_xarray_has_the_coordinates_of_a_store(store):
    ours = xr.open_dataset(FMRI1, engine="voxstore")
    theirs = xr.open_zarr(f"{store}/runs/fmri1.ome.zarr", chunks=None, consolidated=True)
    for axis in "xyzt":
        np.testing.assert_array_equal(ours[axis], theirs[axis])
        assert ours[axis].attrs == {key: theirs[axis].attrs[key] for key in ("long_name", "units")}


def test_xarray_knows_the_files_and_takes_dask(scaled):
    path, true = scaled
    data = xr.open_dataset(path, chunks={})
    assert data.voxels.chunks is not None and len(data.voxels.chunks[3]) == 12
    np.testing.assert_allclose(data.voxels.std("t").compute(), true.std(-1))
    assert xr.open_dataset(FMRI1, chunks={}).voxels.data.numblocks == (1, 1, 1, 1)
    assert "t" not in xr.open_dataset(path, drop_variables="t").coords


def test_xarray_asks_which_run_of_several(store):
    with pytest.raises(ValueError, match="fmri1.*fmri2"):
        xr.open_dataset(store, engine="voxstore")
    with pytest.raises(ValueError, match="no store"):
        xr.open_dataset(FMRI1, engine="voxstore", run="x")


def test_a_file_without_a_tr_has_volume_numbers(tmp_path):
    image = nib.Nifti1Image(np.zeros((2, 3, 4, 5), "i2"), np.eye(4))
    image.header["pixdim"][4] = 0
    image.to_filename(tmp_path / "x.nii")
    data = xr.open_dataset(tmp_path / "x.nii", engine="voxstore")
    np.testing.assert_array_equal(data.t, range(5))
    assert "units" not in data.t.attrs and "tr_seconds" not in data.voxels.attrs

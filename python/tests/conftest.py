"""Runs made for the tests: real ones of the project, and ones written by nibabel."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import voxstore

ROOT = Path(__file__).resolve().parents[2]
FMRI1, FMRI2 = (str(ROOT / f"fixtures/nitime/fmri{number}.nii.gz") for number in (1, 2))


@pytest.fixture(scope="session")
def truth():
    """The voxels of the real run, by nibabel."""
    return np.asarray(nib.load(FMRI1).dataobj)


@pytest.fixture
def run():
    return voxstore.open(FMRI1)


@pytest.fixture(scope="session")
def scaled(tmp_path_factory):
    """A plain file of int16 with a slope, and its true values."""
    path = tmp_path_factory.mktemp("scaled") / "sub-01_task-x_bold.nii"
    stored = np.random.default_rng(1).integers(-500, 1500, (6, 5, 4, 12)).astype("i2")
    image = nib.Nifti1Image(stored, np.diag([2.0, 2.5, 3.0, 1.0]))
    image.header.set_zooms((2.0, 2.5, 3.0, 1.5))
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_slope_inter(0.25, 10.0)
    image.to_filename(path)
    return str(path), nib.load(path).get_fdata()


@pytest.fixture(scope="session")
def large(tmp_path_factory):
    """A plain file of 192 MB and its mean over time."""
    path = tmp_path_factory.mktemp("large") / "large.nii"
    rng = np.random.default_rng(2)
    stored = rng.integers(0, 2000, (64, 64, 30, 800)).astype("i2")
    image = nib.Nifti1Image(stored, np.eye(4))
    image.to_filename(path)
    return str(path), stored.mean(-1), stored.std(-1)


@pytest.fixture
def store(tmp_path):
    """A store of the two real runs."""
    path = tmp_path / "study.zarr"
    voxstore.ingest([FMRI1, FMRI2], path)
    return str(path)


def same(ours, wanted, tolerance=1e-12):
    """Same type and shape as numpy's, same numbers; floats within rounding of another order of addition."""
    ours, wanted = np.asarray(ours), np.asarray(wanted)
    assert ours.dtype == wanted.dtype, f"{ours.dtype}, numpy has {wanted.dtype}"
    assert ours.shape == wanted.shape, f"{ours.shape}, numpy has {wanted.shape}"
    if wanted.dtype.kind == "f":
        rtol = max(tolerance, 4 * np.finfo(wanted.dtype).eps)
        np.testing.assert_allclose(ours, wanted, rtol=rtol, atol=tolerance)
    else:
        np.testing.assert_array_equal(ours, wanted)

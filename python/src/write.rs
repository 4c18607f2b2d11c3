//! How do arrays of any size get into files?

use std::path::PathBuf;

use numpy::PyReadonlyArray3;
use pyo3::prelude::*;
use voxstore::nifti::{self, NiftiOptions};
use voxstore::store::ZarrOptions;

use crate::array::Array;
use crate::errors::raised;
use crate::open::Run;
use crate::work::Limits;

/// Writes an array as a Zarr v3 array.
#[pyfunction]
pub(crate) fn write_zarr(
    py: Python<'_>,
    array: Py<Array>,
    path: PathBuf,
    like: Option<Py<Run>>,
    overwrite: bool,
    limits: Limits,
) -> PyResult<Vec<String>> {
    let (array, like) = (&array.get().0, like.as_ref().map(|run| &run.get().0));
    let options = ZarrOptions { force: overwrite, ..ZarrOptions::default() };
    let report = limits.run(py, |session| session.write_zarr(array, path, like, &options))?;
    Ok(report.warnings)
}

/// Writes an array as a NIfTI file.
#[pyfunction]
pub(crate) fn write_nifti(
    py: Python<'_>,
    array: Py<Array>,
    path: PathBuf,
    like: Option<Py<Run>>,
    overwrite: bool,
    limits: Limits,
) -> PyResult<Vec<String>> {
    let (array, like) = (&array.get().0, like.as_ref().map(|run| &run.get().0));
    let options = NiftiOptions { overwrite, ..NiftiOptions::default() };
    let report = limits.run(py, |session| session.write_nifti(array, path, like, &options))?;
    Ok(report.warnings)
}

/// Writes a map on the grid of a run, in float32.
#[pyfunction]
pub(crate) fn write_map(
    py: Python<'_>,
    path: PathBuf,
    like: Py<Run>,
    map: PyReadonlyArray3<'_, f64>,
    intent_name: String,
    description: String,
    overwrite: bool,
) -> PyResult<()> {
    let options = NiftiOptions { intent_name, description, overwrite, cal_max: None };
    let (map, like) = (map.as_array(), &like.get().0);
    let written = nifti::write_map(path, like, map, &options);
    written.map_err(|error| raised(py, error.into()))
}

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

/// Writes an array as a NIfTI file, or as a Zarr v3 array; what sources said.
#[pyfunction]
pub(crate) fn write(
    py: Python<'_>,
    array: Py<Array>,
    path: PathBuf,
    as_nifti: bool,
    like: Option<Py<Run>>,
    overwrite: bool,
    limits: Limits,
) -> PyResult<Vec<String>> {
    let (array, like) = (&array.get().0, like.as_ref().map(|run| &run.get().0));
    let report = limits.run(py, |session| {
        if as_nifti {
            let options = NiftiOptions { overwrite, ..NiftiOptions::default() };
            session.write_nifti(array, path, like, &options)
        } else {
            let options = ZarrOptions { force: overwrite, ..ZarrOptions::default() };
            session.write_zarr(array, path, like, &options)
        }
    })?;
    Ok(report.warnings)
}

/// Writes a map, which is aligned, on the grid of a run, in float32.
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

//! What is at a path?
//!
//! A store, a run of one, an array that voxstore wrote, an image of another tool, or a NIfTI file; told apart by
//! what is there, not by names. Reads no voxel.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use voxstore::{Access, Error, LazyArray, foreign, nifti, store};

use crate::array::Array;
use crate::errors::raised;

#[derive(IntoPyObject)]
pub(crate) enum Opened {
    Run(Run),
    Store(Store),
    Array(Array),
}

/// What is at a path, and whether a run of another tool vouches for nothing.
#[pyfunction]
pub(crate) fn open(py: Python<'_>, path: PathBuf) -> PyResult<Opened> {
    py.detach(|| opened(&path)).map_err(|error| raised(py, error))
}

fn opened(path: &Path) -> Result<Opened, Error> {
    if !path.is_dir() {
        return Ok(Opened::Run(Run(nifti::open(path)?)));
    }
    if foreign::is_foreign(path) {
        return Ok(Opened::Run(Run(foreign::open(path)?.into_run())));
    }
    if let Some((root, name)) = run_in_store(path) {
        return Ok(Opened::Run(Run(store::open(root)?.run(&name)?)));
    }
    match store::open(path) {
        Ok(store) => Ok(Opened::Store(Store(store))),
        Err(error) => match store::open_array(path) {
            Ok(source) => Ok(Opened::Array(Array(LazyArray::from_source(source)))),
            Err(_) => Err(error.into()),
        },
    }
}

/// The store above a run's folder, and the run's path in it.
fn run_in_store(path: &Path) -> Option<(PathBuf, String)> {
    let full = path.canonicalize().ok()?;
    let is_group = |folder: &Path| folder.join("zarr.json").is_file();
    if !full.to_str()?.ends_with(".ome.zarr") || !is_group(&full) {
        return None;
    }
    // The store is the topmost folder above that still is a Zarr group.
    let root = full.ancestors().skip(1).take_while(|folder| is_group(folder)).last()?;
    let name = full.strip_prefix(root).ok()?.to_str()?.to_owned();
    Some((root.to_owned(), name))
}

/// A run: voxels that are read later, and what its file says of them.
#[pyclass(frozen, module = "voxstore._voxstore")]
pub(crate) struct Run(pub(crate) voxstore::Run);

#[pymethods]
impl Run {
    /// Its true values, `(x, y, z, t)`.
    fn array(&self) -> Array {
        Array(self.0.lazy())
    }

    /// What the header and the sidecars say.
    fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (info, facts) = (self.0.info(), PyDict::new(py));
        let (geometry, timing, scaling) = (&info.geometry, &info.timing, &info.scaling);
        facts.set_item("name", self.0.name())?;
        facts.set_item("stored_dtype", self.0.source().dtype().name())?;
        facts.set_item("is_stream", self.0.source().access() == Access::Sequential)?;
        facts.set_item("affine", geometry.affine)?;
        facts.set_item("affine_source", geometry.affine_source)?;
        facts.set_item("zooms_mm", geometry.zooms_mm)?;
        facts.set_item("tr_seconds", timing.tr_seconds)?;
        facts.set_item("tr_source", timing.tr_source)?;
        facts.set_item("start_seconds", timing.start_seconds)?;
        facts.set_item("echo_time_seconds", timing.echo_time_seconds)?;
        facts.set_item("slope", scaling.slope)?;
        facts.set_item("inter", scaling.inter)?;
        facts.set_item("header", PyBytes::new(py, &info.header))?;
        facts.set_item("sidecar", serde_json::Value::Object(info.sidecar.clone()).to_string())?;
        facts.set_item("file_name", &info.origin.file_name)?;
        facts.set_item("format", info.origin.format)?;
        let warnings: Vec<String> = info.warnings.iter().map(ToString::to_string).collect();
        facts.set_item("warnings", warnings)?;
        Ok(facts)
    }
}

/// A store: the list of its runs.
#[pyclass(frozen, module = "voxstore._voxstore")]
pub(crate) struct Store(store::Store);

#[pymethods]
impl Store {
    #[getter]
    fn runs(&self) -> Vec<String> {
        self.0.runs().to_vec()
    }

    fn select(&self, py: Python<'_>, patterns: Vec<String>) -> PyResult<Vec<String>> {
        self.0.select(&patterns).map_err(|error| raised(py, error.into()))
    }

    fn run(&self, py: Python<'_>, name: &str) -> PyResult<Run> {
        py.detach(|| self.0.run(name)).map(Run).map_err(|error| raised(py, error.into()))
    }
}

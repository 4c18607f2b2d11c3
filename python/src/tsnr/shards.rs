//! How is tSNR made by several processes, and how do their parts become the map?
//!
//! What cuts the job, keeps sums and puts them together is `voxstore::shard`; here it is called.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use voxstore::Error;
use voxstore::jobs::{self, JobError};
use voxstore::shard::{PartOptions, Parts, Shard};

use super::{Definition, in_python};
use crate::compute::Explanation;
use crate::errors::raised;
use crate::open::Run;
use crate::work::Limits;

/// Shard `index` of `count`.
#[derive(FromPyObject)]
pub(crate) struct Share {
    index: u64,
    count: u64,
}

impl Share {
    fn shard(&self) -> Result<Shard, Error> {
        Ok(Shard::new(self.index, self.count).map_err(JobError::from)?)
    }
}

fn handles(runs: &[Py<Run>]) -> Vec<voxstore::Run> {
    runs.iter().map(|run| run.get().0.clone()).collect()
}

/// Makes the part of a shard in `folder`, where it is not there yet. Its path, whether it was there, the bytes of
/// voxels that were read, and what sources said.
#[pyfunction]
pub(crate) fn tsnr_part(
    py: Python<'_>,
    runs: Vec<Py<Run>>,
    definition: Definition,
    share: Share,
    folder: PathBuf,
    limits: Limits,
) -> PyResult<Bound<'_, PyDict>> {
    let (runs, options) = (handles(&runs), definition.options()?);
    let part = limits.run(py, |session| {
        let shard = share.shard()?;
        Ok(jobs::tsnr_part(&runs, options, shard, &folder, &PartOptions::default(), session)?)
    })?;
    let out = PyDict::new(py);
    out.set_item("path", part.path)?;
    out.set_item("was_there", part.was_there)?;
    out.set_item("read_bytes", part.report.read_bytes)?;
    out.set_item("warnings", part.warnings)?;
    Ok(out)
}

/// What [`tsnr_part`] would do. Reads no voxel.
#[pyfunction]
pub(crate) fn explain_tsnr_part(
    py: Python<'_>,
    runs: Vec<Py<Run>>,
    definition: Definition,
    share: Share,
    limits: Limits,
) -> PyResult<Explanation> {
    let (runs, options) = (handles(&runs), definition.options()?);
    let session = limits.session(py)?;
    let plan = py.detach(|| -> Result<_, Error> {
        Ok(jobs::explain_tsnr_part(&runs, options, share.shard()?, &session)?)
    });
    plan.map(Explanation).map_err(|error| raised(py, error))
}

/// What [`tsnr`](super::tsnr) gives, of parts.
#[pyfunction]
pub(crate) fn merge_tsnr(
    py: Python<'_>,
    runs: Vec<Py<Run>>,
    definition: Definition,
    parts: Vec<PathBuf>,
    limits: Limits,
) -> PyResult<Bound<'_, PyDict>> {
    let (runs, options) = (handles(&runs), definition.options()?);
    let (done, budget_bytes) = limits.run(py, |session| {
        let parts = Parts::open(&parts).map_err(JobError::from)?;
        Ok((jobs::merge_tsnr(&parts, &runs, options, session)?, session.memory_bytes()))
    })?;
    in_python(py, done, &runs, options, budget_bytes)
}

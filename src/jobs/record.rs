//! What does a result say of the runs and the memory it was made with?

use serde::Serialize;

use crate::exec::Report;
use crate::run::Run;

/// The program that made a result: `voxstore 0.1.0`.
pub(super) const TOOL: &str = concat!("voxstore ", env!("CARGO_PKG_VERSION"));

/// One run that went into a result, so that it can be found and checked again; the schema is in
/// `docs/numerics.md`.
#[derive(Clone, Debug, Serialize)]
pub struct RunRecord {
    run: String,
    file_name: String,
    file_bytes: u64,
    modified: Option<String>,
    header_xxh3: String,
    sha256: Option<String>,
    shape: Vec<u64>,
    data_type: &'static str,
    slope: f64,
    inter: f64,
    tr_seconds: Option<f64>,
}

impl RunRecord {
    /// The record of a run; reads no voxel.
    pub fn of(run: &Run) -> Self {
        let info = run.info();
        Self {
            run: run.name().to_owned(),
            file_name: info.origin.file_name.clone(),
            file_bytes: info.origin.file_bytes,
            modified: info.origin.modified.clone(),
            header_xxh3: format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&info.header)),
            sha256: info.origin.sha256.clone(),
            shape: run.shape().to_vec(),
            data_type: run.source().dtype().name(),
            slope: info.scaling.slope,
            inter: info.scaling.inter,
            tr_seconds: info.timing.tr_seconds,
        }
    }
}

impl RunRecord {
    /// What tells a run from others, as the cells of a table: file, bytes, shape, type, slope, inter,
    /// digest of the header.
    pub(super) fn cells(&self) -> [String; 7] {
        [
            self.file_name.clone(),
            self.file_bytes.to_string(),
            self.shape.iter().map(u64::to_string).collect::<Vec<_>>().join(" \u{d7} "),
            self.data_type.to_owned(),
            self.slope.to_string(),
            self.inter.to_string(),
            self.header_xxh3.clone(),
        ]
    }
}

/// The memory a computation was allowed, was said to need, and had.
#[derive(Clone, Debug, Serialize)]
pub struct MemoryRecord {
    budget_bytes: u64,
    projected_peak_bytes: u64,
    measured_peak_bytes: Option<u64>,
    voxel_bytes_read: u64,
    scans: usize,
}

impl MemoryRecord {
    /// The record of a computation. `measured_peak_bytes` is the process's own peak where the system
    /// tells it.
    pub fn new(budget_bytes: u64, report: &Report, measured_peak_bytes: Option<u64>) -> Self {
        Self {
            budget_bytes,
            projected_peak_bytes: report.projected_bytes,
            measured_peak_bytes,
            voxel_bytes_read: report.read_bytes,
            scans: report.scans,
        }
    }
}

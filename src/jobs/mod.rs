//! Which named analyses do people run?
//!
//! Each is built from the lazy array layer alone, as a user could; none reads a voxel itself. What
//! they have in common is here too: joining runs that lie on one grid, and the records of runs and
//! memory that stand beside a result.

mod diff;
mod error;
mod grid;
mod head;
mod join;
mod middle;
mod qc;
mod record;
mod regions;
mod report;
mod shards;
mod tsnr;

pub use diff::{Diff, DiffInput, DiffPlace, DiffSide, DiffValues, diff};
pub use error::JobError;
pub use join::{Joined, join, mask_for};
pub use qc::{QcOptions, QcRecord, RunQc, qc};
pub use record::{MemoryRecord, RunRecord};
pub use regions::{RegionRow, Regions, regions};
pub use report::{
    GroupReport, GroupRun, Picture, QualityReport, ReportOptions, RunFigures, Verdict, report,
};
pub use shards::ShardedJob;
pub use tsnr::{
    Across, BetweenRuns, Constant, Dummies, Like, MOST_DETREND, Mask, NonFinite, RunRow, Tsnr,
    TsnrOptions, TsnrParts, TsnrRecord, explain_tsnr, explain_tsnr_part, merge_tsnr, tsnr,
    tsnr_part,
};

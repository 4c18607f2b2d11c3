//! Why a job cannot be done.

use super::tsnr::Like;
use crate::exec::ExecError;
use crate::shard::ShardError;

/// A job was refused or did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// No runs.
    #[error("no runs were given")]
    NoRuns,
    /// A time series needs volumes.
    #[error("{run}: has {volumes} volume; what is done over time needs at least 2 volumes")]
    TooFewVolumes {
        /// The run.
        run: String,
        /// How many it has.
        volumes: u64,
    },
    /// What is computed together must lie on one grid.
    #[error(
        "these lie on different grids and cannot be put together:\n  {first}: {first_grid}\n  \
        {other}: {other_grid}\nresample them onto one grid first, or leave one out"
    )]
    Grids {
        /// A run.
        first: String,
        /// Its shape or affine.
        first_grid: String,
        /// A run that differs.
        other: String,
        /// Its shape or affine.
        other_grid: String,
    },
    /// A mask has one volume.
    #[error(
        "{mask}: has {volumes} volumes; a mask has one, which is used for every volume: take one, \
        such as with `voxstore reduce max`"
    )]
    MaskVolumes {
        /// The mask.
        mask: String,
        /// How many it has.
        volumes: u64,
    },
    /// A figure over no voxel is none.
    #[error("{run}: no voxel counts: {}", .mask.as_ref().map_or(
        "none changes over time and is brighter than 20 % of the brightest; is it a BOLD run, or does it need \
        a --mask?".to_owned(),
        |mask| format!("{mask} is 0 or NaN everywhere, or the run is NaN or infinite where it is not; is it \
        the mask of this run?")))]
    NothingCounts {
        /// The run.
        run: String,
        /// The mask, where one was given.
        mask: Option<String>,
    },
    /// A map that is described by regions has one volume.
    #[error(
        "{map}: has {volumes} volumes; a map of one is described by regions: reduce it first, such as with \
        `voxstore tsnr` or `voxstore reduce mean`"
    )]
    MapVolumes {
        /// The map.
        map: String,
        /// How many it has.
        volumes: u64,
    },
    /// An atlas has one volume.
    #[error(
        "{atlas}: has {volumes} volumes; an atlas has one, of integer labels (of probabilities a region, take the \
        most probable label of each voxel first)"
    )]
    AtlasVolumes {
        /// The atlas.
        atlas: String,
        /// How many it has.
        volumes: u64,
    },
    /// A voxel of an atlas that says no region.
    #[error(
        "{atlas}: voxel ({}, {}, {}) is {value:?}; expected integer labels below 2^53, 0 for background; was the \
        atlas resampled with interpolation, or is it the map?", voxel[0], voxel[1], voxel[2]
    )]
    Label {
        /// The atlas.
        atlas: String,
        /// What stands there.
        value: f64,
        /// The first such voxel, `(x, y, z)`.
        voxel: [u64; 3],
    },
    /// An atlas without regions.
    #[error("{atlas}: every voxel is 0, which is background; expected integer labels of regions")]
    NoLabels {
        /// The atlas.
        atlas: String,
    },
    /// Dummy volumes, censored ones and trends leave too little of a run.
    #[error(
        "{run}: {left} of its {volumes} volumes count; tSNR with trends of order {order} needs at least \
        {needed}; leave out fewer volumes, or detrend less"
    )]
    TooFewLeft {
        /// The run.
        run: String,
        /// Volumes that count.
        left: u64,
        /// Volumes it has.
        volumes: u64,
        /// Volumes that would do.
        needed: u64,
        /// The order of the trends.
        order: u32,
    },
    /// Lists of censored volumes are matched with runs in their order.
    #[error(
        "{lists} lists of censored volumes for {runs} run(s); give one a run, in the order of the runs"
    )]
    CensorLists {
        /// How many lists.
        lists: usize,
        /// How many runs.
        runs: usize,
    },
    /// A censored volume that is not there.
    #[error(
        "{run}: has {volumes} volumes, and volume {volume} (the first is 0) is to be censored; is that \
        the list of another run?"
    )]
    CensoredVolume {
        /// The run.
        run: String,
        /// The volume.
        volume: u64,
        /// How many there are.
        volumes: u64,
    },
    /// The order of trends has a limit.
    #[error("trends of order {order}: tSNR takes out orders 0 to {}", super::tsnr::MOST_DETREND)]
    Detrend {
        /// The order.
        order: u32,
    },
    /// A fit needs every sample.
    #[error(
        "trends are fitted to every sample, so samples that are not finite cannot be skipped voxel by \
        voxel; count them as 0, or censor their volumes"
    )]
    DetrendSkips,
    /// A definition that says nothing without a mask.
    #[error("{like}'s figure is the median in a brain mask; give the mask as a NIfTI file")]
    MaskNeeded {
        /// The tool.
        like: Like,
    },
    /// An option that is not part of the definition asked for.
    #[error(
        "{option} {given} is not tSNR like {like}, whose {option} is {theirs}; leave out one of the two"
    )]
    NotLike {
        /// The tool.
        like: Like,
        /// The option.
        option: &'static str,
        /// What was asked for.
        given: String,
        /// What the tool does.
        theirs: String,
    },
    /// The computation failed.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// A part could not be made, or parts not be put together.
    #[error(transparent)]
    Shard(#[from] ShardError),
}

//! Any expressions over runs, by several processes.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::error::JobError;
use crate::lazy::LazyArray;
use crate::picture::Explanation;
use crate::run::Run;
use crate::runtime::Session;
use crate::shard::{
    Part, PartOptions, Parts, Request, Shard, ShardError, Work, explain_part, write_part,
};

/// Expressions whose reductions are computed in shards: what each process computes is the running sums of its runs, or
/// of its planes of them, and what follows from the sums is computed when parts are merged.
///
/// A reduction that keeps every sample (median, quantile, mad), one by groups, and one of elements beside reductions
/// (`(x - x.mean(-1)).std(-1)`) is not made of sums that could be joined: its values are computed over all its runs at once,
/// by planes, where each of them can be read by planes. Where one is a stream (`.nii.gz`), or no axis is left, all of it falls to one
/// shard, and sums of the same runs with it.
///
/// Every process must be given the same job, and so must the one that merges.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let parts_folder = folder.path();
/// use voxstore::{Session, concatenate, jobs::ShardedJob, nifti, shard::{PartOptions, Parts, Shard}};
///
/// let runs = ["fmri1", "fmri2"].map(|name| nifti::open(format!("fixtures/nitime/{name}.nii.gz")).unwrap());
/// let all = concatenate(&runs.each_ref().map(|run| run.lazy()), -1);
/// let spread = all.max(-1) - all.min(-1);
/// let job = ShardedJob { kind: "spread", definition: serde_json::json!({}), runs: &runs, arrays: &[&spread] };
/// let session = Session::default();
/// for index in 0..2 {
///     // Each in a process of its own, anywhere.
///     job.part(Shard::new(index, 2)?, parts_folder, &PartOptions::default(), &session)?;
/// }
/// let merged = job.merged(&Parts::open(&[parts_folder.to_owned()])?)?; // nothing is read yet
/// assert_eq!(merged[0].compute::<i16>()?, spread.compute::<i16>()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ShardedJob<'a> {
    /// What it is called; the names of parts begin with it.
    pub kind: &'a str,
    /// Its options, as JSON: parts go together where they are equal.
    pub definition: Value,
    /// All runs that it reads, masks too, in their order: parts go together where these are the same files.
    pub runs: &'a [Run],
    /// The results.
    pub arrays: &'a [&'a LazyArray],
}

impl ShardedJob<'_> {
    /// Computes one shard and writes it into `folder`, as `KIND.part-00003-of-00032.zarr`; one that is there already is left
    /// alone. Reads its runs, or its planes of them, once.
    ///
    /// # Errors
    /// An expression that means nothing; something else at the part's place; what computing and writing say.
    pub fn part(
        &self,
        shard: Shard,
        folder: impl AsRef<Path>,
        how: &PartOptions,
        session: &Session,
    ) -> Result<Part, JobError> {
        let (work, folder) = (self.work()?, folder.as_ref());
        let found = BTreeMap::new();
        Ok(write_part(&work, self.request(), shard, &found, folder, how, session)?)
    }

    /// What [`part`](Self::part) would do under this session. Reads no voxel.
    ///
    /// # Errors
    /// As [`part`](Self::part) would before it reads anything.
    pub fn explain(&self, shard: Shard, session: &Session) -> Result<Explanation, JobError> {
        Ok(explain_part(&self.work()?, shard, session).map_err(ShardError::from)?)
    }

    /// The arrays, made of parts: the same expressions, over sums that are read where runs would be. They are computed like
    /// any others, and have the same bits.
    ///
    /// # Errors
    /// Parts that are missing, twice, damaged, or of another job or other runs.
    pub fn merged(&self, parts: &Parts) -> Result<Vec<LazyArray>, JobError> {
        parts.check_request(&self.request())?;
        Ok(parts.results(&self.work()?)?)
    }

    fn work(&self) -> Result<Work, JobError> {
        for array in self.arrays {
            array
                .check()
                .map_err(|error| JobError::Exec(crate::plan::PlanError::from(error).into()))?;
        }
        Ok(Work::of(self.arrays))
    }

    fn request(&self) -> Request {
        Request::new(self.kind, self.definition.clone(), self.runs)
    }
}

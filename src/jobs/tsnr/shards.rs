//! tSNR by several processes: each sums some of the runs, and one makes the map of their sums.
//!
//! What is computed is what [`tsnr`](super::tsnr) computes; only where the sums come from differs.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::super::error::JobError;
use super::arrays::Asked;
use super::dummies::dummy_volumes;
use super::volumes::Volumes;
use super::{Dummies, Mask, Tsnr, TsnrOptions, check, finished};
use crate::exec::Report;
use crate::picture::Explanation;
use crate::run::Run;
use crate::runtime::Session;
use crate::shard::{
    Fingerprint, Part, PartOptions, Parts, Request, Shard, ShardError, Work, explain_part,
    write_part,
};

/// What dummy volumes of a run are called in a part.
const DUMMIES: &str = "dummy_volumes";

/// Computes one shard of what [`tsnr`](super::tsnr) would of the same `runs` and `options`, and writes it into `folder`, as
/// `tsnr.part-00003-of-00032.zarr`: a Zarr group with the sums of every voxel (`docs/format.md`). A part that is there
/// already is left alone, so a shard may be started twice, also at once. [`merge_tsnr`] makes the map.
///
/// A shard reads its own runs, or its own planes of runs that are read by boxes, once. With [`Dummies::Auto`] it reads the
/// first 50 volumes of its runs before. It takes the memory of one run a thread, or less; sums wait in the session's
/// [`scratch`](crate::SessionBuilder::scratch) folder.
///
/// ```no_run
/// # fn main() -> Result<(), voxstore::Error> {
/// use voxstore::{Session, jobs, nifti, shard::{Parts, PartOptions, Shard}};
///
/// let runs = [nifti::open("run-1.nii.gz")?, nifti::open("run-2.nii.gz")?];
/// let (options, session) = (jobs::TsnrOptions::default(), Session::default());
/// for index in 0..4 {
///     // Each in a process of its own, anywhere.
///     let shard = Shard::new(index, 4).map_err(jobs::JobError::from)?;
///     jobs::tsnr_part(&runs, options, shard, "parts", &PartOptions::default(), &session)?;
/// }
/// let parts = Parts::open(&["parts".into()]).map_err(jobs::JobError::from)?;
/// let tsnr = jobs::merge_tsnr(&parts, &runs, options, &session)?; // the bits of jobs::tsnr
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`tsnr`](super::tsnr); something else at the part's place; a folder that cannot be written.
pub fn tsnr_part(
    runs: &[Run],
    options: TsnrOptions<'_>,
    shard: Shard,
    folder: impl AsRef<Path>,
    how: &PartOptions,
    session: &Session,
) -> Result<Part, JobError> {
    let plan = Planned::of(runs, options)?;
    let own = plan.runs_of(shard);
    let (dummies, looked) = plan.look(&own, session)?;
    let found: BTreeMap<usize, BTreeMap<String, u64>> = own
        .iter()
        .filter_map(|&run| {
            let found = BTreeMap::from([(DUMMIES.to_owned(), dummies[run])]);
            Some((plan.work.set_of(runs[run].source())?, found))
        })
        .collect();
    let work = plan.with_dummies(&dummies)?.1;
    let folder = folder.as_ref();
    let mut part = write_part(&work, plan.request(), shard, &found, folder, how, session)?;
    if !part.was_there {
        part.report = looked.and_then(part.report);
    }
    Ok(part)
}

/// What [`tsnr_part`] would do under this session. Reads no voxel; as with [`explain_tsnr`](super::explain_tsnr), the
/// reading that finds dummy volumes is not in it.
///
/// # Errors
/// As [`tsnr_part`] would before it reads anything.
pub fn explain_tsnr_part(
    runs: &[Run],
    options: TsnrOptions<'_>,
    shard: Shard,
    session: &Session,
) -> Result<Explanation, JobError> {
    let plan = Planned::of(runs, options)?;
    Ok(explain_part(&plan.work, shard, session).map_err(ShardError::from)?)
}

/// Makes of all parts of a job what [`tsnr`](super::tsnr) makes of its `runs`, with the same bits in the map and in every
/// figure, whatever the number of shards and the order of parts. Reads the parts once, and of the runs only their headers
/// (and the mask, where one is given); planned and refused under the session's budget like any computation.
///
/// # Errors
/// Parts that are missing, twice, damaged, or of other runs or options; what [`tsnr`](super::tsnr) refuses.
pub fn merge_tsnr(
    parts: &Parts,
    runs: &[Run],
    options: TsnrOptions<'_>,
    session: &Session,
) -> Result<Tsnr, JobError> {
    let plan = Planned::of(runs, options)?;
    parts.check_request(&plan.request())?;
    let dummies: Vec<u64> = runs
        .iter()
        .map(|run| {
            let set = plan.work.set_of(run.source());
            set.and_then(|set| parts.found(set, DUMMIES)).unwrap_or(0)
        })
        .collect();
    let (volumes, work) = plan.with_dummies(&dummies)?;
    let mut asked = Asked::of(runs, &volumes, &options)?;
    asked.replace(parts.results(&work)?);
    let looked = Report { warnings: parts.warnings(), ..Report::default() };
    finished(runs, &options, &volumes, &asked, plan.warnings, looked, session)
}

/// A job whose headers have been looked at.
struct Planned<'a> {
    runs: &'a [Run],
    options: TsnrOptions<'a>,
    /// Of runs without dummy volumes where these have to be looked for: its units are the same.
    work: Work,
    warnings: Vec<String>,
}

impl<'a> Planned<'a> {
    fn of(runs: &'a [Run], options: TsnrOptions<'a>) -> Result<Self, JobError> {
        let warnings = check(runs, &options)?;
        let dummies = match options.dummies {
            Dummies::First(count) => count,
            Dummies::Auto => 0,
        };
        let (_, work) = taken_apart(runs, &options, &vec![dummies; runs.len()])?;
        Ok(Self { runs, options, work, warnings })
    }

    fn with_dummies(&self, dummies: &[u64]) -> Result<(Vec<Volumes>, Work), JobError> {
        taken_apart(self.runs, &self.options, dummies)
    }

    /// Numbers of the runs that a shard reads.
    fn runs_of(&self, shard: Shard) -> Vec<usize> {
        let stretches = self.work.stretches_of(shard);
        let is_read = |&run: &usize| {
            let of = self.work.set_of(self.runs[run].source());
            stretches.iter().any(|stretch| Some(stretch.set) == of)
        };
        (0..self.runs.len()).filter(is_read).collect()
    }

    /// The dummy volumes of each run, where they are known without looking or it is one of `own`; else 0.
    fn look(&self, own: &[usize], session: &Session) -> Result<(Vec<u64>, Report), JobError> {
        let own_runs: Vec<Run> = own.iter().map(|&run| self.runs[run].clone()).collect();
        let (of_own, looked) = dummy_volumes(&own_runs, self.options.dummies, session)?;
        let mut dummies = match self.options.dummies {
            Dummies::First(count) => vec![count; self.runs.len()],
            Dummies::Auto => vec![0; self.runs.len()],
        };
        for (&run, count) in own.iter().zip(of_own) {
            dummies[run] = count;
        }
        Ok((dummies, looked))
    }

    /// All that states depend on, and the rest of the definition: parts of one map are merged.
    fn request(&self) -> Request {
        let options = &self.options;
        let definition = json!({
            "across": options.across,
            "detrend": options.detrend,
            "ddof": if options.ddof_of_model { json!("model") } else { json!(options.ddof) },
            "dummy_volumes": match options.dummies {
                Dummies::First(count) => json!(count),
                Dummies::Auto => json!("auto"),
            },
            "censored": options.censored,
            "mask": match options.mask {
                Mask::None => json!("none"),
                Mask::Auto => json!("auto"),
                Mask::Of(mask) => json!(Fingerprint::of(mask)),
            },
            "constant": options.constant,
            "non_finite": options.non_finite,
            "like": options.like,
        });
        Request::new("tsnr", definition, self.runs)
    }
}

fn taken_apart(
    runs: &[Run],
    options: &TsnrOptions<'_>,
    dummies: &[u64],
) -> Result<(Vec<Volumes>, Work), JobError> {
    let volumes = Volumes::of(runs, dummies, options)?;
    let work = Work::of(&Asked::of(runs, &volumes, options)?.all());
    Ok((volumes, work))
}

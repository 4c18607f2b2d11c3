//! In what order are passes run, and where do their results go?
//!
//! In the order of the plan: results of one that a later one reads go to memory or to a scratch file. How a
//! pass is carried out is for `tiles` and `parts`.

use bytesize::ByteSize;

use super::collect::{Collect, Collects};
use super::error::ExecError;
use super::{parts, tiles};
use crate::plan::{Dest, Pass, Plan, Schedule, Units};
use crate::runtime::{Budget, BudgetError, FIXED_BYTES, Session};

/// How a computation went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The most memory the plan said the process would use.
    pub projected_bytes: u64,
    /// The most that was leased at once, with what the process itself needs.
    pub leased_peak_bytes: u64,
    /// Bytes of voxels read.
    pub read_bytes: u64,
    /// How often the voxels were gone through: 1 where everything came out of one scan.
    pub scans: usize,
    /// Bytes that waited in a scratch file, to be read in another order; mostly 0.
    pub spilled_bytes: u64,
    /// Untidy things that sources said and that change no voxel.
    pub warnings: Vec<String>,
}

impl Report {
    /// How this computation and the one after it went together.
    pub(crate) fn and_then(mut self, next: Self) -> Self {
        let is_new = |warning: &String| !self.warnings.contains(warning);
        let new: Vec<String> = next.warnings.into_iter().filter(is_new).collect();
        self.warnings.extend(new);
        Self {
            projected_bytes: self.projected_bytes.max(next.projected_bytes),
            leased_peak_bytes: self.leased_peak_bytes.max(next.leased_peak_bytes),
            read_bytes: self.read_bytes.saturating_add(next.read_bytes),
            scans: self.scans + next.scans,
            spilled_bytes: self.spilled_bytes.saturating_add(next.spilled_bytes),
            warnings: self.warnings,
        }
    }

    /// The same where so many bytes more were in use all the time.
    pub(crate) fn beside(self, held_bytes: u64) -> Self {
        Self {
            projected_bytes: self.projected_bytes.saturating_add(held_bytes),
            leased_peak_bytes: self.leased_peak_bytes.saturating_add(held_bytes),
            ..self
        }
    }
}

/// Runs the passes in order; `results[k]` takes result `k`.
pub(super) fn run_plan(
    plan: &Plan,
    results: &[&dyn Collect],
    session: &Session,
) -> Result<Report, ExecError> {
    let budget = session.budget();
    // Allocated elsewhere; their bytes are taken here.
    let _standing = budget.lease("results and tables", plan.standing.leased_bytes())?;
    for spill in plan.spills() {
        spill.open(session.scratch_dir())?;
    }
    let mut warnings: Vec<String> = Vec::new();
    let progress = session.report("computing", plan.read_bytes());
    for (pass, schedule) in &plan.passes {
        let said = run_pass(pass, schedule, results, &budget, session)?;
        // A file that is read twice says the same twice.
        for warning in said {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
    }
    drop(progress);
    Ok(Report {
        projected_bytes: plan.projected_bytes(),
        leased_peak_bytes: FIXED_BYTES + budget.peak_bytes(),
        read_bytes: plan.read_bytes(),
        scans: plan.scans(),
        spilled_bytes: plan.spilled_bytes(),
        warnings,
    })
}

/// Carries out one pass; returns what there is to be warned of.
fn run_pass(
    pass: &Pass,
    schedule: &Schedule,
    results: &[&dyn Collect],
    budget: &Budget,
    session: &Session,
) -> Result<Vec<String>, ExecError> {
    let to = |dest| collect_of(dest, results);
    let to = Collects {
        outputs: &pass
            .outputs
            .iter()
            .map(|output| output.results.iter().map(|result| to(&result.dest)).collect())
            .collect::<Result<Vec<_>, _>>()?,
        emits: &pass.emits.iter().map(|e| to(&e.dest)).collect::<Result<Vec<_>, _>>()?,
    };
    let mut warnings = Vec::new();
    if schedule.readings() > 1 {
        warnings.push(format!(
            "each gzip stream was read {} times, slab by slab, to stay within {}; a larger budget, or \
             ingesting first, reads once",
            schedule.readings(),
            ByteSize(session.memory_bytes()),
        ));
    }
    match &schedule.units {
        Units::Tiles(tiles) => tiles::run(pass, tiles, schedule, &to, budget, session)?,
        Units::Parts { finish, sums } => {
            let boxes = parts::Boxes { finish, sums };
            warnings.extend(parts::run(pass, &boxes, schedule, &to, budget, session)?);
        }
    }
    Ok(warnings)
}

/// What takes a result that goes there.
fn collect_of<'a>(
    dest: &'a Dest,
    results: &[&'a dyn Collect],
) -> Result<&'a dyn Collect, BudgetError> {
    Ok(match dest {
        Dest::Result(index) => results[*index],
        Dest::Held(source) => {
            let what = "an array held between passes";
            source.allocate().map_err(|wanted_bytes| BudgetError::System { what, wanted_bytes })?;
            &**source
        }
        Dest::Spilled(spill) => &**spill,
    })
}

#[cfg(test)]
mod tests {
    use super::Report;

    #[test]
    fn of_two_computations_the_larger_peak_all_that_was_read_and_each_warning_once_are_told() {
        let report = |projected, leased, read, warnings: &[&str]| Report {
            projected_bytes: projected,
            leased_peak_bytes: leased,
            read_bytes: read,
            scans: 1,
            spilled_bytes: 5,
            warnings: warnings.iter().map(|&warning| warning.to_owned()).collect(),
        };
        let first = report(90, 30, 7, &["a", "b"]);
        let both = first.and_then(report(70, 40, 11, &["b", "c"]).beside(10));
        let want = report(90, 50, 18, &["a", "b", "c"]);
        assert_eq!(both, Report { scans: 2, spilled_bytes: 10, ..want });
    }
}

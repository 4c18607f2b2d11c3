//! What is computed for a tSNR map, and where do its results wait?
//!
//! Decides from plans alone, so that a job and its explanation cannot differ. Computes nothing.

use super::TsnrOptions;
use super::spilled::Spilled;
use crate::dtype::DType;
use crate::lazy::{LazyArray, ReduceOptions, concatenate};
use crate::picture::Explanation;
use crate::plan::PlanError;
use crate::run::Run;
use crate::runtime::Session;

/// Where maps are until medians have been taken of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    InMemory,
    OnDisk,
}

/// The arrays behind a map and the figures beside it.
pub(super) struct Asked {
    arrays: Vec<LazyArray>,
    /// Lengths of x, y and z.
    pub(super) shape: Vec<u64>,
}

impl Asked {
    /// Places among the arrays: of the joined series, of what lies within runs, of the first run.
    pub(super) const MEAN: usize = 0;
    pub(super) const STD: usize = 1;
    pub(super) const WITHIN: usize = 2;
    pub(super) const RUNS: usize = 3;

    pub(super) fn of(runs: &[Run], options: TsnrOptions) -> Self {
        let ddof = || ReduceOptions::new().ddof(options.ddof);
        let values: Vec<LazyArray> = runs.iter().map(true_values).collect();
        let joined = concatenate(&values, -1);
        let within = variance_within(&values, options);
        let whole = [joined.mean(-1), joined.std_with(-1, ddof()), within];
        let each = values.iter().map(|run| run.mean(-1) / run.std_with(-1, ddof()));
        Self {
            arrays: whole.into_iter().chain(each).collect(),
            shape: runs[0].shape().iter().take(3).copied().collect(),
        }
    }

    pub(super) fn all(&self) -> Vec<&LazyArray> {
        self.arrays.iter().collect()
    }

    pub(super) fn runs(&self) -> usize {
        self.arrays.len() - Self::RUNS
    }

    /// In memory where all results fit and leave room to read every run once, else on disk where that
    /// takes fewer readings.
    ///
    /// # Errors
    /// The smallest budget that is enough, where this one is not.
    pub(super) fn way(&self, session: &Session) -> Result<Waiting, PlanError> {
        let in_memory = match session.scans(&self.all()) {
            Err(PlanError::Memory { .. }) => None,
            Ok(scans) if scans > 1 => Some(scans),
            other => return other.map(|_| Waiting::InMemory),
        };
        let on_disk = match (session.scans_to_write(&self.all()), self.refusal(session)) {
            (Ok(scans), None) => Ok(scans),
            (Err(plan), Some(room)) if plan.projected_bytes() < room.projected_bytes() => Err(room),
            (Err(refused), _) | (Ok(_), Some(refused)) => Err(refused),
        };
        match (on_disk, in_memory) {
            (Ok(scans), Some(other)) if scans >= other => Ok(Waiting::InMemory),
            (Err(_), Some(_)) => Ok(Waiting::InMemory),
            (on_disk, _) => on_disk.map(|_| Waiting::OnDisk),
        }
    }

    /// What is done where results wait so.
    ///
    /// # Errors
    /// As [`way`](Self::way).
    pub(super) fn explain(&self, session: &Session) -> Result<Explanation, PlanError> {
        if self.way(session)? == Waiting::InMemory {
            return session.explain(&self.all());
        }
        let mut plan = session.explain_write(&self.all())?;
        let room = Spilled::room_projected_bytes(&self.shape);
        plan.summary.peak_bytes = plan.summary.peak_bytes.max(room);
        plan.summary.rewrites.push("results wait on disk while medians are taken".to_owned());
        Ok(plan)
    }

    /// Why this budget has no room to take medians in, where it has none.
    fn refusal(&self, session: &Session) -> Option<PlanError> {
        let needed = Spilled::room_projected_bytes(&self.shape);
        let values = "the values that a median is taken of".to_owned();
        let largest = (values, Spilled::room_bytes(&self.shape));
        (needed > session.memory_bytes()).then(|| PlanError::memory(needed, session, largest, None))
    }
}

/// The run's values in a type whose mean and standard deviation are not rounded to float32. Integers
/// stay what they are: their sums are exact.
fn true_values(run: &Run) -> LazyArray {
    let values = run.lazy();
    if values.dtype() == DType::F32 { values.to_f64() } else { values }
}

/// Sums of squares within runs over the summed degrees of freedom.
fn variance_within(arrays: &[LazyArray], options: TsnrOptions) -> LazyArray {
    let volumes = |array: &LazyArray| *array.shape().last().unwrap_or(&0);
    let squares = |array: &LazyArray| array.var(-1) * volumes(array) as f64;
    let freedom: u64 = arrays.iter().map(|a| volumes(a).saturating_sub(options.ddof)).sum();
    // Pairs of pairs: an expression of hundreds of runs is not hundreds of operations deep.
    let mut sums: Vec<LazyArray> = arrays.iter().map(squares).collect();
    while sums.len() > 1 {
        sums = sums
            .chunks(2)
            .map(|pair| if let [a, b] = pair { a + b } else { pair[0].clone() })
            .collect();
    }
    sums.remove(0) / freedom as f64
}

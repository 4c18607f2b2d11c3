//! What is computed for a tSNR map, and how much of it at once?
//!
//! Decides from plans alone, so that a job and its explanation cannot differ. Computes nothing.

use super::TsnrOptions;
use crate::dtype::DType;
use crate::lazy::{LazyArray, ReduceOptions, concatenate};
use crate::plan::PlanError;
use crate::run::Run;
use crate::runtime::Session;

/// The arrays behind a map and the figures beside it.
pub(super) struct Asked {
    /// Mean and standard deviation of the joined series, and the variance within runs.
    whole: [LazyArray; 3],
    /// tSNR of each run.
    each: Vec<LazyArray>,
}

/// Arrays that are computed together, and the session they are computed under.
pub(super) struct Trip<'a> {
    pub(super) session: Session,
    pub(super) arrays: Vec<&'a LazyArray>,
}

impl Asked {
    pub(super) fn of(runs: &[Run], options: TsnrOptions) -> Self {
        let ddof = || ReduceOptions::new().ddof(options.ddof);
        let arrays: Vec<LazyArray> = runs.iter().map(true_values).collect();
        let joined = concatenate(&arrays, -1);
        let within = variance_within(&arrays, options);
        Self {
            whole: [joined.mean(-1), joined.std_with(-1, ddof()), within],
            each: arrays.iter().map(|run| run.mean(-1) / run.std_with(-1, ddof())).collect(),
        }
    }

    /// Everything in one trip; where the runs' own maps do not fit beside the whole, the whole in the
    /// first trip and then as many of the runs' maps at a time as fit beside what is held of it.
    ///
    /// # Errors
    /// The one budget that is enough for all trips, where this one is not.
    pub(super) fn trips(&self, session: &Session) -> Result<Vec<Trip<'_>>, PlanError> {
        let all: Vec<&LazyArray> = self.whole.iter().chain(&self.each).collect();
        match session.explain(&all) {
            Err(PlanError::Memory { .. }) => {}
            other => {
                return other.map(|_| vec![Trip { session: session.clone(), arrays: all }]);
            }
        }
        let beside = session.with_reserved(self.whole.iter().map(LazyArray::nbytes).sum());
        let (whole, mut rest) = all.split_at(self.whole.len());
        let refused = rest.iter().filter_map(|map| beside.explain(&[map]).err());
        let refused = refused.chain(session.explain(whole).err());
        if let Some(worst) = refused.max_by_key(PlanError::projected_bytes) {
            return Err(worst);
        }
        let mut trips = vec![Trip { session: session.clone(), arrays: whole.to_vec() }];
        while !rest.is_empty() {
            let mut count = rest.len();
            while count > 1 && beside.explain(&rest[..count]).is_err() {
                count /= 2;
            }
            let (some, left) = rest.split_at(count);
            trips.push(Trip { session: beside.clone(), arrays: some.to_vec() });
            rest = left;
        }
        Ok(trips)
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
    let mut sum = squares(&arrays[0]);
    for array in &arrays[1..] {
        sum = sum + squares(array);
    }
    sum / freedom as f64
}

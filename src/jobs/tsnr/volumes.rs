//! Which volumes of a run count, and what drifts along them?
//!
//! Dummy volumes and censored ones are views: what they leave is read as it would be anyway.

use ndarray::Array2;

use super::super::error::JobError;
use super::options::TsnrOptions;
use crate::lazy::LazyArray;
use crate::run::Run;

/// The volumes of one run that count.
#[derive(Clone, Debug)]
pub(super) struct Volumes {
    total: u64,
    /// The first that can count.
    pub(super) dummies: u64,
    /// Those after it that do not, ascending, each once.
    censored: Vec<u64>,
}

impl Volumes {
    /// Of each run, where the first ones are known not to count.
    ///
    /// # Errors
    /// Lists that are not one a run, or name a volume that is not there; runs with too few volumes left.
    pub(super) fn of(
        runs: &[Run],
        dummies: &[u64],
        options: &TsnrOptions<'_>,
    ) -> Result<Vec<Self>, JobError> {
        let lists = options.censored;
        if !lists.is_empty() && lists.len() != runs.len() {
            return Err(JobError::CensorLists { lists: lists.len(), runs: runs.len() });
        }
        let of = |(index, (run, &dummies)): (usize, (&Run, &u64))| {
            let list = lists.get(index).map_or(&[][..], Vec::as_slice);
            Self::of_run(run, dummies, list, options.detrend)
        };
        runs.iter().zip(dummies).enumerate().map(of).collect()
    }

    fn of_run(run: &Run, dummies: u64, list: &[u64], order: u32) -> Result<Self, JobError> {
        let total = run.shape()[3];
        if let Some(&volume) = list.iter().find(|&&volume| volume >= total) {
            let run = run.name().to_owned();
            return Err(JobError::CensoredVolume { run, volume, volumes: total });
        }
        let mut censored: Vec<u64> = list.iter().copied().filter(|&t| t >= dummies).collect();
        censored.sort_unstable();
        censored.dedup();
        let volumes = Self { total, dummies, censored };
        let needed = u64::from(order) + 2;
        if volumes.kept() < needed {
            return Err(JobError::TooFewLeft {
                run: run.name().to_owned(),
                left: volumes.kept(),
                volumes: total,
                needed,
                order,
            });
        }
        Ok(volumes)
    }

    /// How many do not count among those after the dummy volumes.
    pub(super) fn censored(&self) -> u64 {
        self.censored.len() as u64
    }

    /// How many count.
    pub(super) fn kept(&self) -> u64 {
        self.total.saturating_sub(self.dummies).saturating_sub(self.censored())
    }

    fn indices(&self) -> impl Iterator<Item = u64> {
        (self.dummies..self.total).filter(|t| self.censored.binary_search(t).is_err())
    }

    /// Those of an array of the run.
    pub(super) fn select(&self, array: &LazyArray) -> LazyArray {
        if !self.censored.is_empty() {
            let indices: Vec<isize> = self.indices().map(|t| t as isize).collect();
            return array.take(&indices, -1);
        }
        if self.dummies > 0 {
            return array.slice_axis(-1, self.dummies as isize..);
        }
        array.clone()
    }

    /// Legendre polynomials of degree 0 to `order` over the time from the first volume that can count to
    /// the last, at those that do.
    pub(super) fn trends(&self, order: u32) -> Array2<f64> {
        let last = self.total.saturating_sub(self.dummies + 1).max(1) as f64;
        let mut trends = Array2::zeros((self.kept() as usize, order as usize + 1));
        for (mut row, t) in trends.rows_mut().into_iter().zip(self.indices()) {
            let x = 2.0 * (t - self.dummies) as f64 / last - 1.0;
            let (mut below, mut here) = (0.0, 1.0);
            for (degree, value) in row.iter_mut().enumerate() {
                *value = here;
                let n = degree as f64;
                let above = ((2.0 * n + 1.0) * x * here - n * below) / (n + 1.0);
                (below, here) = (here, above);
            }
        }
        trends
    }
}

#[cfg(test)]
mod tests {
    use super::Volumes;

    #[test]
    fn trends_are_legendre_polynomials_at_the_volumes_that_count() {
        let volumes = Volumes { total: 8, dummies: 2, censored: vec![4, 6] };
        assert_eq!((volumes.kept(), volumes.censored()), (4, 2));
        let trends = volumes.trends(3);
        for (row, x) in trends.rows().into_iter().zip([-1.0, -0.6, 0.2, 1.0]) {
            let want = [1.0, x, (3.0 * x * x - 1.0) / 2.0, (5.0 * x * x * x - 3.0 * x) / 2.0];
            for (found, want) in row.iter().zip(want) {
                assert!((found - want).abs() < 1e-15, "{found} {want}");
            }
        }
    }
}

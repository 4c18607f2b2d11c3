//! What is computed for a tSNR map, and where do its results wait?
//!
//! Decides from plans alone, so that a job and its explanation cannot differ. Computes nothing.

use super::super::error::JobError;
use super::super::join::mask_for;
use super::medians::Figure;
use super::options::{Across, Mask, TsnrOptions};
use super::series::{Joined, Series, total};
use super::spilled::Spilled;
use super::volumes::Volumes;
use crate::lazy::{LazyArray, where_};
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
    pub(super) across: Across,
    /// Whether mean and standard deviation are given back, too.
    pub(super) parts: bool,
    runs: usize,
    /// Places of what is not always asked for.
    pub(super) between: Option<Between>,
    pub(super) mean_of_runs: Option<usize>,
    pub(super) mask: Option<usize>,
}

/// Places of what is said of several runs.
#[derive(Clone, Copy)]
pub(super) struct Between {
    pub(super) variance: usize,
    pub(super) share: usize,
}

impl Asked {
    /// Places among the arrays: of the joined series, of what lies within runs, of the first run.
    pub(super) const MEAN: usize = 0;
    pub(super) const STD: usize = 1;
    pub(super) const WITHIN: usize = 2;
    pub(super) const RUNS: usize = 3;

    /// # Errors
    /// A mask of several volumes or on another grid.
    pub(super) fn of(
        runs: &[Run],
        volumes: &[Volumes],
        options: &TsnrOptions<'_>,
    ) -> Result<Self, JobError> {
        let series: Vec<Series> = runs
            .iter()
            .zip(volumes)
            .map(|(run, volumes)| Series::of(run, volumes, options))
            .collect();
        let across = match options.across {
            // One run is all of these.
            Across::Pooled | Across::Mean if runs.len() == 1 => Across::Concat,
            across => across,
        };
        let joined = Joined::of(&series, options);
        let ratio = options.ratio();
        // Where only medians are taken, the quotient does: they take what is not finite as 0.
        let of_medians = matches!(across, Across::Concat | Across::Pooled) && ratio.is_plain();
        let of_run = |run: &Series| {
            if of_medians { &run.level / &run.std } else { ratio.lazy(&run.level, &run.std) }
        };
        let each: Vec<LazyArray> = series.iter().map(of_run).collect();
        let whole = [joined.mean, joined.std, joined.within];
        let mut asked = Self {
            arrays: whole.into_iter().chain(each.iter().cloned()).collect(),
            shape: runs[0].shape().iter().take(3).copied().collect(),
            across,
            parts: options.parts,
            runs: runs.len(),
            between: None,
            mean_of_runs: None,
            mask: None,
        };
        if let Some([variance, share]) = joined.between {
            asked.between =
                Some(Between { variance: asked.push(variance), share: asked.push(share) });
        }
        if across == Across::Mean {
            asked.mean_of_runs = Some(asked.push(total(each) / runs.len() as f64));
        }
        if let Mask::Of(mask) = options.mask {
            let inside = mask_for(&runs[0], mask)?.squeeze(-1);
            asked.mask = Some(asked.push(where_(&inside, 1.0, 0.0)));
        }
        Ok(asked)
    }

    fn push(&mut self, array: LazyArray) -> usize {
        self.arrays.push(array);
        self.arrays.len() - 1
    }

    /// The same arrays, made of something else.
    pub(super) fn replace(&mut self, arrays: Vec<LazyArray>) {
        self.arrays = arrays;
    }

    pub(super) fn all(&self) -> Vec<&LazyArray> {
        self.arrays.iter().collect()
    }

    /// Places of the runs' own maps.
    pub(super) fn each(&self) -> std::ops::Range<usize> {
        Self::RUNS..Self::RUNS + self.runs
    }

    /// What medians are of, with the place of what each is taken of; the joined series needs none.
    pub(super) fn figures(&self) -> Vec<(Figure, Option<usize>)> {
        let between = self.between.into_iter().flat_map(|b| [b.variance, b.share]);
        let values = self.each().chain(between).chain(self.mean_of_runs);
        let values = values.map(|place| (Figure::Value, Some(place)));
        values.chain([(Figure::Pooled, Some(Self::WITHIN)), (Figure::Joined, None)]).collect()
    }

    /// What the map is of, with the place of what it is made of.
    pub(super) fn map(&self) -> (Figure, Option<usize>) {
        match self.across {
            Across::Concat | Across::PerRun => (Figure::Joined, None),
            Across::Pooled => (Figure::Pooled, Some(Self::WITHIN)),
            Across::Mean => (Figure::Value, self.mean_of_runs),
        }
    }

    /// Whether an array is a map that is given back, or one is made of it.
    pub(super) fn stays(&self, place: usize) -> bool {
        let is_of_run = self.across == Across::PerRun && self.each().contains(&place);
        is_of_run || self.map().1 == Some(place)
    }

    /// In memory where all results fit and leave room to read every run once, else on disk where that
    /// takes fewer readings.
    ///
    /// # Errors
    /// The smallest budget that is enough, where this one is not.
    pub(super) fn way(&self, session: &Session) -> Result<Waiting, PlanError> {
        // Maps of all runs are given back together: there is nothing that could wait on disk.
        if self.across == Across::PerRun {
            return session.scans(&self.all()).map(|_| Waiting::InMemory).map_err(|mut error| {
                if let PlanError::Memory { alternative, .. } = &mut error {
                    *alternative = Some("do one run at a time".to_owned());
                }
                error
            });
        }
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
        let room = Spilled::room_projected_bytes(&self.shape, self.parts);
        plan.summary.peak_bytes = plan.summary.peak_bytes.max(room);
        plan.summary.rewrites.push("results wait on disk while medians are taken".to_owned());
        Ok(plan)
    }

    /// Why this budget has no room to take medians in, where it has none.
    fn refusal(&self, session: &Session) -> Option<PlanError> {
        let needed = Spilled::room_projected_bytes(&self.shape, self.parts);
        let values = "the values that a median is taken of".to_owned();
        let largest = (values, Spilled::room_bytes(&self.shape, self.parts));
        (needed > session.memory_bytes()).then(|| PlanError::memory(needed, session, largest, None))
    }
}

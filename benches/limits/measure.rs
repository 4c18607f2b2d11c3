//! How are times taken, and how are they shown?

use std::fmt;

/// Several times of the same thing.
#[derive(Clone)]
pub(crate) struct Times(Vec<f64>);

impl Times {
    pub(crate) fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }
}

impl From<Vec<f64>> for Times {
    fn from(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        Self(seconds)
    }
}

/// The median, and how far the times are apart.
impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |s: f64| match s {
            s if s < 0.1 => format!("{:.1} ms", s * 1e3),
            s => format!("{s:.2} s"),
        };
        let [low, high] = [self.0[0], self.0[self.0.len() - 1]].map(show);
        write!(f, "{} [{low}-{high}]", show(self.median()))
    }
}

/// A row of the table: a job beside its limit, taken in turn.
pub(crate) struct Row {
    pub(crate) job: String,
    pub(crate) limit: String,
    pub(crate) limit_times: Times,
    pub(crate) job_times: Times,
    /// The most times the limit that the job may take, where it has to be so fast.
    pub(crate) floor: Option<f64>,
}

impl Row {
    /// Runs limit and job in turn.
    pub(crate) fn take(
        names: [&str; 2],
        floor: f64,
        rounds: usize,
        mut limit: impl FnMut() -> f64,
        mut job: impl FnMut() -> f64,
    ) -> Self {
        let (mut limits, mut jobs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            limits.push(limit());
            jobs.push(job());
        }
        let [job, limit] = names.map(str::to_owned);
        let row = Self {
            job,
            limit,
            limit_times: limits.into(),
            job_times: jobs.into(),
            floor: Some(floor),
        };
        eprintln!("{row}");
        row
    }

    /// Another job beside the times that the limit took.
    pub(crate) fn beside(&self, job: &str, mut take: impl FnMut() -> f64) -> Self {
        let times: Vec<f64> = self.job_times.0.iter().map(|_| take()).collect();
        let (limit, limit_times) = (self.limit.clone(), self.limit_times.clone());
        let row =
            Self { job: job.to_owned(), limit, limit_times, job_times: times.into(), floor: None };
        eprintln!("{row}");
        row
    }
}

/// As a row of Markdown.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = self.job_times.median() / self.limit_times.median();
        write!(
            f,
            "| {} | {} | {} | {} | {ratio:.2} | ",
            self.job, self.limit, self.limit_times, self.job_times
        )?;
        match self.floor {
            Some(floor) if ratio <= floor => write!(f, "{floor:.2} | yes |"),
            Some(floor) => write!(f, "{floor:.2} | **no** |"),
            None => write!(f, "| |"),
        }
    }
}

pub(crate) const HEAD: &str = "| job | limit | limit takes | job takes | ratio | at most | there |\n\
                               |---|---|---|---|---:|---:|---|";

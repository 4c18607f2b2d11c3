//! How are times taken, and how are they shown?

use std::fmt;

/// Several times of the same thing.
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
    /// The most times the limit that the job may take.
    pub(crate) floor: f64,
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
        let row = Self { job, limit, limit_times: limits.into(), job_times: jobs.into(), floor };
        eprintln!("{row}");
        row
    }
}

/// As a row of Markdown.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratio = self.job_times.median() / self.limit_times.median();
        let verdict = if ratio <= self.floor { "yes" } else { "**no**" };
        write!(
            f,
            "| {} | {} | {} | {} | {ratio:.2} | {:.2} | {verdict} |",
            self.job, self.limit, self.limit_times, self.job_times, self.floor
        )
    }
}

pub(crate) const HEAD: &str = "| job | limit | limit takes | job takes | ratio | at most | there |\n\
                               |---|---|---|---|---:|---:|---|";

//! How far is the work, and with how much memory?
//!
//! On a terminal a bar; elsewhere, as in the log of a batch job, a line for each run of an ingest. When a piece
//! of work is over, one line says what it took. All of it goes to stderr.

use std::fmt;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytesize::ByteSize;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use voxstore::{MemoryUse, Progress};

/// The message is memory of the budget. On 80 columns the bar has 15 of them.
const TEMPLATE: &str = "{prefix} {wide_bar} {percent}% {binary_bytes_per_sec} {left} left{msg}";
/// The most characters before the bar.
const MOST_PREFIX: usize = 32;
/// A long block moves no byte, but the time.
const TICK: Duration = Duration::from_millis(250);
/// The rate of work that takes less is that of its beginning and its end.
const LEAST_SECONDS: f64 = 0.1;

/// One piece of work at a time, in bytes of voxels.
#[derive(Debug)]
pub(crate) struct Bar {
    on_terminal: bool,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    work: Option<Work>,
    memory: Option<MemoryUse>,
}

#[derive(Debug)]
struct Work {
    what: String,
    begun: Instant,
    done_bytes: u64,
    bar: Option<ProgressBar>,
}

impl Bar {
    /// A bar where stderr is a terminal that can move its cursor, lines where it is not.
    pub(crate) fn new() -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { on_terminal: stderr().is_terminal() && !is_dumb, now: Mutex::default() }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Bar {
    fn begin(&self, what: &str, total_bytes: u64) {
        let mut now = self.now();
        let bar = self.on_terminal.then(|| drawn(what, total_bytes, now.memory));
        let (what, begun) = (what.to_owned(), Instant::now());
        now.work = Some(Work { what, begun, done_bytes: 0, bar });
    }

    fn advance(&self, bytes: u64) {
        if let Some(work) = &mut self.now().work {
            work.done_bytes += bytes;
            if let Some(bar) = &work.bar {
                bar.inc(bytes);
            }
        }
    }

    fn end(&self) {
        let mut now = self.now();
        let memory = now.memory;
        if let Some(work) = now.work.take() {
            if let Some(bar) = &work.bar {
                bar.finish_and_clear();
            }
            say(&last_line(&work, memory));
        }
    }

    fn memory(&self, memory: MemoryUse) {
        let mut now = self.now();
        now.memory = Some(memory);
        if let Some(Work { bar: Some(bar), .. }) = &now.work {
            bar.set_message(in_use(memory));
        }
    }

    fn run_over(&self, run: &str, became: &str, left: usize) {
        let to_go = match left {
            0 => String::new(),
            1 => ", 1 run to go".to_owned(),
            n => format!(", {n} runs to go"),
        };
        match &self.now().work {
            Some(Work { bar: Some(bar), what, .. }) => {
                bar.set_prefix(shortened(&format!("{what}{to_go}")));
            }
            _ => say(&format!("{run}: {became}{to_go}")),
        }
    }
}

fn drawn(what: &str, total_bytes: u64, memory: Option<MemoryUse>) -> ProgressBar {
    let bar = ProgressBar::new(total_bytes).with_prefix(shortened(what));
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style.with_key("left", left));
    }
    bar.set_message(memory.map_or_else(String::new, in_use));
    bar.tick();
    bar.enable_steady_tick(TICK);
    bar
}

/// Remaining time, where there is something to tell it from.
fn left(state: &ProgressState, out: &mut dyn fmt::Write) {
    let _ = match state.pos() {
        0 => write!(out, "-"),
        _ => write!(out, "{:#}", HumanDuration(state.eta())),
    };
}

/// `, memory 30, peak 41 of 512 MiB`
fn in_use(memory: MemoryUse) -> String {
    let [now, peak, budget] = [memory.now_bytes, memory.peak_bytes, memory.budget_bytes]
        .map(|bytes| bytes.div_ceil(1 << 20));
    format!(", memory {now}, peak {peak} of {budget} MiB")
}

fn say(line: &str) {
    // When stderr is gone there is nobody to tell.
    let _ = writeln!(stderr(), "{line}");
}

/// The end of a long name tells more than its beginning.
fn shortened(text: &str) -> String {
    let over = text.chars().count().saturating_sub(MOST_PREFIX);
    match over {
        0 => text.to_owned(),
        _ => format!("...{}", text.chars().skip(over + 3).collect::<String>()),
    }
}

/// `computing: 45.2 MiB in 1.2 s, 37.9 MiB/s; memory peak 41.0 MiB of 512.0 MiB`
fn last_line(work: &Work, memory: Option<MemoryUse>) -> String {
    let done = done_in(work.done_bytes, work.begun.elapsed().as_secs_f64());
    let what = &work.what;
    let memory = memory.map_or_else(String::new, |memory| {
        let (peak, budget) = (ByteSize(memory.peak_bytes), ByteSize(memory.budget_bytes));
        format!("; memory peak {peak} of {budget}")
    });
    format!("{what}: {done}{memory}")
}

fn done_in(bytes: u64, seconds: f64) -> String {
    let done = ByteSize(bytes);
    if seconds < LEAST_SECONDS {
        return format!("{done} in less than {LEAST_SECONDS} s");
    }
    let rate = ByteSize((bytes as f64 / seconds) as u64);
    format!("{done} in {seconds:.1} s, {rate}/s")
}

#[cfg(test)]
mod tests {
    use super::done_in;

    #[test]
    fn work_of_a_moment_has_no_rate() {
        assert_eq!(done_in(3 << 20, 1.5), "3.0 MiB in 1.5 s, 2.0 MiB/s");
        assert_eq!(done_in(3 << 20, 0.004), "3.0 MiB in less than 0.1 s");
        assert_eq!(done_in(0, 0.0), "0 B in less than 0.1 s");
    }
}

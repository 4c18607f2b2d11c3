//! A program that is under way: watched, stopped, killed, waited for.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::common::{Answer, program};

/// How long anything may take before it counts as hung.
const HUNG: Duration = Duration::from_mins(2);

/// How many kills and rounds there are to be.
pub(crate) fn rounds() -> u64 {
    std::env::var("VOXSTORE_CRASH_ROUNDS").map_or(50, |text| text.parse().unwrap())
}

/// Arguments of a program, strings and paths mixed.
macro_rules! args {
    ($($arg:expr),* $(,)?) => {
        vec![$(std::ffi::OsString::from(&$arg)),*]
    };
}
pub(crate) use args;

/// A process of the program.
pub(crate) struct Started {
    child: Child,
    args: Vec<OsString>,
}

impl Started {
    pub(crate) fn new(args: Vec<OsString>) -> Self {
        Self { child: program().args(&args).spawn().unwrap(), args }
    }

    /// Waits until `seen`; false when the process was over before.
    pub(crate) fn wait_until(&mut self, mut seen: impl FnMut() -> bool) -> bool {
        let deadline = Instant::now() + HUNG;
        loop {
            if seen() {
                return true;
            }
            if self.is_over() {
                return false;
            }
            assert!(Instant::now() < deadline, "{:?} waits for ever", self.args);
            // Leaves the processor to the process that is waited for.
            sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Stops it where it is, until `CONT`. The signal alone is not enough: on a busy machine threads run on until
    /// the one that has to stop them gets its turn.
    pub(crate) fn stop(&mut self) {
        self.signal("STOP");
        let tasks = PathBuf::from(format!("/proc/{}/task", self.child.id()));
        self.wait_until(|| {
            let tasks: Vec<_> = fs::read_dir(&tasks).into_iter().flatten().flatten().collect();
            !tasks.is_empty() && tasks.iter().all(|task| is_stopped(&task.path()))
        });
    }

    /// Sends a signal by its name, such as `INT`; nothing where it is over, for then its number is nobody's.
    pub(crate) fn signal(&mut self, name: &str) {
        if self.is_over() {
            return;
        }
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &id]).status().unwrap().success());
    }

    /// Kills it outright, and says whether it was still running.
    pub(crate) fn kill(mut self) -> bool {
        self.child.kill().unwrap();
        self.answer().code.is_none()
    }

    /// Waits for its end.
    pub(crate) fn answer(mut self) -> Answer {
        assert!(self.wait_until(|| false) || self.is_over());
        Answer::of(self.args, self.child.wait_with_output().unwrap())
    }
}

/// Whether a thread has stopped: its state comes after its name, which is in brackets.
fn is_stopped(task: &Path) -> bool {
    let stat = fs::read_to_string(task.join("stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
}

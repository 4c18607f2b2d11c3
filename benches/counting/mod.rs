//! How many instructions does a piece of work take?
//!
//! It runs once in one process and twice in another, both under valgrind; the difference is what it
//! takes once, without what came before it. Counts depend on what the processor offers (kernels and
//! codecs choose by it) and on compilers, so a table says which they were.

mod table;

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, io, thread};

pub(crate) use table::{Machine, Row, Table};

/// The instructions that the work of this name takes once.
pub(crate) fn instructions(name: &str, folder: &Path) -> Result<u64, Box<dyn Error>> {
    let [once, twice] = thread::scope(|scope| {
        let counts = [1, 2].map(|times| scope.spawn(move || executed(name, times, folder)));
        counts.map(|count| count.join().expect("no count panics"))
    });
    let (once, twice) = (once?, twice?);
    twice.checked_sub(once).ok_or_else(|| format!("{name}: {once} once, {twice} twice").into())
}

/// All that a process executes which does it some times.
fn executed(name: &str, times: u32, folder: &Path) -> io::Result<u64> {
    // A folder each: works may write below it.
    let out = folder.join(format!("instructions-{times}"));
    let child = Command::new("valgrind")
        .args(["--tool=cachegrind", "--cache-sim=no", "--quiet"])
        .arg(format!("--cachegrind-out-file={}", out.display()))
        .arg(std::env::current_exe()?)
        .args(["work", name, &times.to_string()])
        .arg(folder)
        // A copy by `rep movsb` would count once a byte, and where glibc begins with it depends on caches.
        .env("GLIBC_TUNABLES", NO_REP)
        .stdout(Stdio::null())
        .output()?;
    let failed = |why: &str| {
        let said = String::from_utf8_lossy(&child.stderr);
        io::Error::other(format!("{name}, {times} times under valgrind: {why}\n{said}"))
    };
    if !child.status.success() {
        return Err(failed(&child.status.to_string()));
    }
    let counts = fs::read_to_string(&out)?;
    let summary = counts.lines().find_map(|line| line.strip_prefix("summary: "));
    summary.and_then(|count| count.trim().parse().ok()).ok_or_else(|| failed("no summary"))
}

const NO_REP: &str = "glibc.cpu.x86_rep_movsb_threshold=0x7fffffffffff:glibc.cpu.x86_rep_stosb_threshold=0x7fffffffffff";

/// Such as `valgrind-3.19.0`; `None` where there is none.
pub(crate) fn valgrind_version() -> Option<String> {
    first_line("valgrind")
}

/// What a tool says first of its version.
fn first_line(tool: &str) -> Option<String> {
    let said = Command::new(tool).arg("--version").output().ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    Some(text.lines().next()?.to_owned()).filter(|_| said.status.success())
}

//! How the process ends: 0 done, 1 failed, 2 usage, 3 damage or a difference was found, 4 some runs failed and
//! the rest is done, 130 interrupted, 143 terminated.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Result;
use voxstore::jobs::JobError;
use voxstore::nifti::NiftiError;
use voxstore::store::StoreError;
use voxstore::{Error, ExecError, LazyError, PlanError, SessionError, SinkError, SourceError};

use crate::{hint, signals};

/// What a command that did not fail has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// Everything asked for.
    All,
    /// Some runs failed, and the rest is done.
    Some,
    /// Everything asked for, and what was looked at is damaged or not the same.
    Different,
}

/// Arguments that are sound one by one and not together.
#[derive(Debug, thiserror::Error)]
#[error("{0}\n\nFor more information, try '--help'.")]
pub(crate) struct Misuse(pub(crate) String);

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const DIFFERENT: u8 = 3;
const SOME_FAILED: u8 = 4;

/// Help and version go to stdout and are no failure.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

/// The exit code of an outcome; prints the error.
pub(crate) fn code(outcome: Result<Done>) -> ExitCode {
    let error = match outcome {
        Ok(Done::All) => return ExitCode::SUCCESS,
        Ok(Done::Different) => return ExitCode::from(DIFFERENT),
        Ok(Done::Some) => return ExitCode::from(SOME_FAILED),
        Err(error) => error,
    };
    if is_broken_pipe(&error) {
        return ExitCode::SUCCESS;
    }
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        // Errors that carry their cause in their own words do not need it twice.
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text.push_str("\n  because: ");
            text.push_str(&cause);
        }
    }
    if let Some(hint) = hint::of(&error) {
        text.push_str("\n  ");
        text.push_str(&hint);
    }
    let _ = writeln!(std::io::stderr(), "error: {text}");
    ExitCode::from(kind(error))
}

fn kind(error: anyhow::Error) -> u8 {
    if error.is::<Misuse>() {
        return USAGE;
    }
    match of_library(error) {
        Some(error) if error.is_cancelled() => signals::exit_code(),
        Some(Error::Session(
            SessionError::Memory { .. } | SessionError::TooSmall { .. } | SessionError::NoThreads,
        )) => USAGE,
        _ => FAILED,
    }
}

/// The library's error behind one, whichever layer gave it.
fn of_library(mut error: anyhow::Error) -> Option<Error> {
    macro_rules! look_for {
        ($($layer:ty),*) => {$(
            error = match error.downcast::<$layer>() {
                Ok(found) => return Some(found.into()),
                Err(other) => other,
            };
        )*};
    }
    look_for!(Error, ExecError, JobError, LazyError, NiftiError, PlanError);
    look_for!(SessionError, SinkError, SourceError, StoreError);
    drop(error);
    None
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

//! Which exception is an error of the library?
//!
//! The classes stand in `voxstore/errors.py`. Messages are the library's; where they name an option of the
//! program, they name the keyword here.

use std::fmt::Write as _;

use pyo3::exceptions::{PyKeyboardInterrupt, PyOverflowError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use voxstore::jobs::JobError;
use voxstore::nifti::NiftiError;
use voxstore::shard::ShardError;
use voxstore::store::StoreError;
use voxstore::{BudgetError, Error, ExecError, PlanError, SourceError};

/// The exception that an error is raised as.
pub(crate) fn raised(py: Python<'_>, error: Error) -> PyErr {
    if let Some(own) = of_python(py, &error) {
        return own;
    }
    let text = in_python(&error.to_string());
    let class = match kind(&error) {
        Kind::Interrupted => return PyKeyboardInterrupt::new_err(()),
        Kind::Value => return PyValueError::new_err(text),
        Kind::Overflow => return PyOverflowError::new_err(text),
        Kind::System => return PyRuntimeError::new_err(text),
        Kind::Class(class) => class,
    };
    let made = || {
        let exception = py.import("voxstore.errors")?.getattr(class)?.call1((text,))?;
        if class == NOT_ENOUGH_MEMORY {
            exception.setattr("needed_bytes", needed_bytes(&error))?;
        }
        Ok(PyErr::from_value(exception))
    };
    made().unwrap_or_else(|error| error)
}

const NOT_ENOUGH_MEMORY: &str = "NotEnoughMemory";
const NOT_FOUND: Kind = Kind::Class("NotFound");
const NO_SUCH_RUN: Kind = Kind::Class("NoSuchRun");
const ALREADY_EXISTS: Kind = Kind::Class("AlreadyExists");
const FILE: Kind = Kind::Class("FileError");
const DAMAGED: Kind = Kind::Class("DamagedSource");
const UNREADABLE: Kind = Kind::Class("Unreadable");
const REFUSED: Kind = Kind::Class("Refused");
const MEMORY: Kind = Kind::Class(NOT_ENOUGH_MEMORY);

#[derive(Clone, Copy)]
enum Kind {
    Interrupted,
    Value,
    Overflow,
    System,
    Class(&'static str),
}

fn kind(error: &Error) -> Kind {
    if error.is_cancelled() {
        return Kind::Interrupted;
    }
    match error {
        Error::Lazy(_) | Error::Session(_) => Kind::Value,
        Error::Plan(error) => of_plan(error),
        Error::Exec(error) | Error::Job(JobError::Exec(error)) => of_exec(error),
        Error::Job(JobError::Shard(error)) => of_shard(error),
        Error::Source(_) => DAMAGED,
        Error::Sink(_) => FILE,
        Error::Nifti(error) => of_nifti(error),
        Error::Store(error) => of_store(error),
        Error::Foreign(_) => UNREADABLE,
        _ => REFUSED,
    }
}

fn of_plan(error: &PlanError) -> Kind {
    match error {
        PlanError::Memory { .. } => MEMORY,
        PlanError::Expression(_) => Kind::Value,
        _ => REFUSED,
    }
}

fn of_exec(error: &ExecError) -> Kind {
    match error {
        ExecError::Plan(error) => of_plan(error),
        ExecError::Source(_) => DAMAGED,
        ExecError::Budget(_) => MEMORY,
        ExecError::Session(_) => Kind::System,
        ExecError::Overflow { .. } | ExecError::Cast { .. } => Kind::Overflow,
        ExecError::Sink(_) => FILE,
        ExecError::Cancelled => Kind::Interrupted,
        _ => Kind::Value,
    }
}

fn of_shard(error: &ShardError) -> Kind {
    match error {
        ShardError::Exec(error) => of_exec(error),
        ShardError::Store(error) => of_store(error),
        ShardError::Taken { .. } => ALREADY_EXISTS,
        ShardError::NoParts { .. } => NOT_FOUND,
        ShardError::Damaged { .. } => DAMAGED,
        ShardError::NoShard { .. } => Kind::Value,
        _ => REFUSED,
    }
}

fn of_nifti(error: &NiftiError) -> Kind {
    match error {
        NiftiError::NotFound { .. } | NiftiError::ContentNotPresent { .. } => NOT_FOUND,
        NiftiError::Exists { .. } => ALREADY_EXISTS,
        NiftiError::TooShort { .. } | NiftiError::Damaged { .. } | NiftiError::Voxels { .. } => {
            DAMAGED
        }
        NiftiError::Io { .. } => FILE,
        NiftiError::Memory { .. } | NiftiError::Budget(_) => MEMORY,
        _ => UNREADABLE,
    }
}

fn of_store(error: &StoreError) -> Kind {
    match error {
        StoreError::Io { .. }
        | StoreError::Aside { .. }
        | StoreError::NotSynced { .. }
        | StoreError::NoSpace { .. }
        | StoreError::OtherMount { .. } => FILE,
        StoreError::NotAStore { .. }
        | StoreError::NotAnArray { .. }
        | StoreError::NewerSchema { .. } => UNREADABLE,
        StoreError::Incomplete { .. }
        | StoreError::Metadata { .. }
        | StoreError::Replaced { .. }
        | StoreError::Source(_) => DAMAGED,
        StoreError::NoSuchRun { .. }
        | StoreError::AmbiguousRun { .. }
        | StoreError::NoMatch { .. } => NO_SUCH_RUN,
        StoreError::Occupied { .. } | StoreError::Exists { .. } => ALREADY_EXISTS,
        StoreError::Memory { .. } | StoreError::Budget(_) => MEMORY,
        StoreError::Session(_) => Kind::System,
        _ => REFUSED,
    }
}

/// The smallest budget that works, where it is known.
fn needed_bytes(error: &Error) -> Option<u64> {
    match error {
        Error::Plan(error)
        | Error::Exec(ExecError::Plan(error))
        | Error::Job(
            JobError::Exec(ExecError::Plan(error))
            | JobError::Shard(ShardError::Exec(ExecError::Plan(error))),
        ) => error.projected_bytes(),
        Error::Exec(ExecError::Budget(BudgetError::System { wanted_bytes, .. })) => {
            Some(*wanted_bytes)
        }
        Error::Store(StoreError::Memory { needed_bytes, .. }) => Some(*needed_bytes),
        Error::Nifti(NiftiError::Memory { needs_bytes, .. }) => Some(*needs_bytes),
        _ => None,
    }
}

/// An exception that Python code raised while it was called by the library, such as that of a delayed value.
fn of_python(py: Python<'_>, error: &Error) -> Option<PyErr> {
    let (Error::Source(source)
    | Error::Exec(ExecError::Source(source))
    | Error::Job(JobError::Exec(ExecError::Source(source)))
    | Error::Store(StoreError::Source(source))) = error
    else {
        return None;
    };
    source.reason.downcast_ref::<PyErr>().map(|error| error.clone_ref(py))
}

/// What the library says in Rust's words, and what it is here.
const WORDS: [(&str, &str); 2] = [
    (
        "use astype_with and Overflow::Saturate or Overflow::Wrap",
        "say astype(..., overflow=\"saturate\") or \"wrap\"",
    ),
    ("use !", "use ~"),
];

/// `--memory 64MiB` is `memory="64MiB"` here.
pub(crate) fn in_python(text: &str) -> String {
    let text =
        WORDS.iter().fold(text.to_owned(), |text, (rust, python)| text.replace(rust, python));
    let mut out = String::with_capacity(text.len());
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        let is_option = |name: &&str| name.starts_with(|c: char| c.is_ascii_lowercase());
        let Some(option) = word.strip_prefix("--").filter(is_option) else {
            out.push_str(word);
            out.push(' ');
            continue;
        };
        out.push_str(&option.replace('-', "_"));
        let is_size = |next: &&str| next.starts_with(|c: char| c.is_ascii_digit());
        if let Some(value) = words.next_if(is_size) {
            let (size, rest) = value
                .find(|c: char| !c.is_ascii_alphanumeric())
                .map_or((value, ""), |end| value.split_at(end));
            let _ = write!(out, "=\"{size}\"{rest}");
        }
        out.push(' ');
    }
    out.truncate(out.len() - 1);
    out
}

/// A source's error made of an exception.
pub(crate) fn of_exception(name: &str, error: PyErr) -> SourceError {
    SourceError::new(name, "the delayed value", error)
}

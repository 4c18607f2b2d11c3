//! What if the n-th operation fails?
//!
//! Unit tests only. [`Faults`] holds for everything below one folder, a test's own, so that tests beside
//! each other do not meet, and nothing is passed through the product. It counts operations and has one
//! fail, or all from one on, or the power go off; and it keeps a record of what changed the disk, which
//! `power` plays. What lies elsewhere goes its way untouched.

use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use super::watch::Op;

/// Kinds of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Create,
    Open,
    Look,
    List,
    Read,
    Lock,
    Write,
    Sync,
    Rename,
    Remove,
}

/// What goes wrong. A write that finds no space, or no power, gets half of its bytes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// One operation.
    Once(Errno),
    /// One, and all of these kinds that follow.
    Stays(Errno),
    /// One, and all that follow: nothing reaches the disk any more, as after `kill -9`.
    PowerOff,
}

/// A change to the disk that was made.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    File(PathBuf),
    Folder(PathBuf),
    Write(PathBuf, Option<u64>, Vec<u8>),
    SyncFile(PathBuf),
    SyncDir(PathBuf),
    SyncAll,
    Rename(PathBuf, PathBuf),
    Exchange(PathBuf, PathBuf),
    Link(PathBuf, PathBuf),
    Remove(PathBuf),
}

#[derive(Debug)]
struct Plan {
    folder: PathBuf,
    /// The kinds that count; all where there are none.
    kinds: &'static [Kind],
    /// The first operation to fail; 0 is the first of all.
    at: usize,
    fault: Fault,
    /// The file system knows neither exchanges nor renames that never replace.
    plain_renames: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    seen: usize,
    events: Vec<Event>,
}

static PLANS: Mutex<Vec<Arc<Plan>>> = Mutex::new(Vec::new());

/// Holds while it lives, for everything below its folder.
#[derive(Debug)]
pub(crate) struct Faults(Arc<Plan>);

impl Faults {
    /// Has the operation of these kinds go wrong that comes after `at` others. With `plain_renames` the file
    /// system knows no others.
    pub(crate) fn new(
        folder: &Path,
        plain_renames: bool,
        kinds: &'static [Kind],
        at: usize,
        fault: Fault,
    ) -> Self {
        // By the name that paths have once links are followed.
        let folder = folder.canonicalize().unwrap();
        let state = Mutex::default();
        let plan = Arc::new(Plan { folder, kinds, at, fault, plain_renames, state });
        plans().push(Arc::clone(&plan));
        Self(plan)
    }

    /// Notes what changes the disk, and has nothing fail.
    pub(crate) fn record(folder: &Path, plain_renames: bool) -> Self {
        Self::new(folder, plain_renames, &[], 0, Fault::None)
    }

    /// Did anything go wrong?
    pub(crate) fn fired(&self) -> bool {
        self.0.fault != Fault::None && self.0.state().seen > self.0.at
    }

    /// What changed the disk so far.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.state().events.clone()
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        plans().retain(|plan| !Arc::ptr_eq(plan, &self.0));
    }
}

fn plans() -> MutexGuard<'static, Vec<Arc<Plan>>> {
    PLANS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn plan_for(path: &Path) -> Option<Arc<Plan>> {
    plans().iter().find(|plan| path.starts_with(&plan.folder)).cloned()
}

impl Plan {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the operation; an error where it is not to happen.
    fn admit(&self, op: Op<'_>) -> Result<()> {
        if self.plain_renames && matches!(op, Op::Exchange(..) | Op::RenameToNew(..)) {
            return Err(ErrorKind::Unsupported.into());
        }
        let mut state = self.state();
        let off = self.fault == Fault::PowerOff && state.seen > self.at;
        if !off && !self.kinds.is_empty() && !self.kinds.contains(&op.kind()) {
            return Ok(());
        }
        let number = state.seen;
        state.seen += 1;
        match self.fault {
            Fault::Once(errno) if number == self.at => Err(errno.into()),
            Fault::Stays(errno) if number >= self.at => Err(errno.into()),
            Fault::PowerOff if number >= self.at => Err(Error::other("the power is off")),
            _ => Ok(()),
        }
    }

    fn note(&self, event: Option<Event>) {
        self.state().events.extend(event);
    }
}

impl Op<'_> {
    fn path(&self) -> &Path {
        match self {
            Self::Create(path)
            | Self::CreateDir(path)
            | Self::Open(path)
            | Self::Look(path)
            | Self::List(path)
            | Self::Read(path)
            | Self::Lock(path)
            | Self::Write(path, _)
            | Self::SyncFile(path)
            | Self::SyncDir(path)
            | Self::SyncAll(path)
            | Self::Rename(path, _)
            | Self::RenameToNew(path, _)
            | Self::Exchange(path, _)
            | Self::Link(path, _)
            | Self::Remove(path) => path,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Create(_) | Self::CreateDir(_) => Kind::Create,
            Self::Open(_) => Kind::Open,
            Self::Look(_) => Kind::Look,
            Self::List(_) => Kind::List,
            Self::Read(_) => Kind::Read,
            Self::Lock(_) => Kind::Lock,
            Self::Write(..) => Kind::Write,
            Self::SyncFile(_) | Self::SyncDir(_) | Self::SyncAll(_) => Kind::Sync,
            Self::Rename(..) | Self::RenameToNew(..) | Self::Exchange(..) | Self::Link(..) => {
                Kind::Rename
            }
            Self::Remove(_) => Kind::Remove,
        }
    }

    /// What it changes on the disk.
    fn event(&self, bytes: &[u8]) -> Option<Event> {
        Some(match *self {
            Self::Create(path) => Event::File(path.into()),
            Self::CreateDir(path) => Event::Folder(path.into()),
            Self::Write(path, at) => Event::Write(path.into(), at, bytes.to_vec()),
            Self::SyncFile(path) => Event::SyncFile(path.into()),
            Self::SyncDir(path) => Event::SyncDir(path.into()),
            Self::SyncAll(_) => Event::SyncAll,
            Self::Rename(from, to) | Self::RenameToNew(from, to) => {
                Event::Rename(from.into(), to.into())
            }
            Self::Exchange(one, other) => Event::Exchange(one.into(), other.into()),
            Self::Link(from, to) => Event::Link(from.into(), to.into()),
            Self::Remove(path) => Event::Remove(path.into()),
            Self::Open(_) | Self::Look(_) | Self::List(_) | Self::Read(_) | Self::Lock(_) => {
                return None;
            }
        })
    }
}

pub(in crate::files) fn watch<T>(op: Op<'_>, call: impl FnOnce() -> Result<T>) -> Result<T> {
    let Some(plan) = plan_for(op.path()) else { return call() };
    plan.admit(op)?;
    let done = call()?;
    plan.note(op.event(&[]));
    Ok(done)
}

/// Whether bytes reached the disk no test can tell, and thousands of syncs take minutes: below a folder
/// with faults they are only noted.
pub(in crate::files) fn watch_sync(op: Op<'_>, call: impl FnOnce() -> Result<()>) -> Result<()> {
    match plan_for(op.path()) {
        None => call(),
        Some(_) => watch(op, || Ok(())),
    }
}

pub(in crate::files) fn watch_write(
    op: Op<'_>,
    bytes: &[u8],
    call: impl FnOnce(&[u8]) -> Result<()>,
) -> Result<()> {
    let Some(plan) = plan_for(op.path()) else { return call(bytes) };
    let refused = plan.admit(op).err();
    let torn = match plan.fault {
        Fault::Once(errno) | Fault::Stays(errno) => errno == Errno::NOSPC,
        Fault::PowerOff => plan.state().seen == plan.at + 1,
        Fault::None => false,
    };
    let through = match refused {
        None => bytes,
        Some(_) if torn => &bytes[..bytes.len() / 2],
        Some(error) => return Err(error),
    };
    call(through)?;
    plan.note(op.event(through));
    refused.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Read, Write};

    use rustix::io::Errno;

    use super::{Event, Fault, Faults, Kind};
    use crate::files::{self, File};

    #[test]
    fn the_operation_that_is_named_fails_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("x");
        let other = tempfile::tempdir().unwrap().path().canonicalize().unwrap().join("x");
        let faults =
            Faults::new(folder.path(), false, &[Kind::Write], 1, Fault::Once(Errno::NOSPC));
        let mut file = File::create_new(&path).unwrap();
        file.write_all(b"first").unwrap();
        assert!(!faults.fired());
        let error = file.write_all(b"second").unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
        assert!(faults.fired());
        file.write_all(b"third").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"firstsecthird");
        assert!(File::create_new(&other).is_err(), "its folder is gone, and it is nobody's");
    }

    #[test]
    fn when_the_power_is_off_nothing_happens_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("x");
        let faults = Faults::new(folder.path(), false, &[Kind::Write], 0, Fault::PowerOff);
        let mut file = File::create_new(&path).unwrap();
        assert!(file.write_all(b"12345678").is_err());
        assert!(file.write_all(b"12345678").is_err());
        assert!(files::remove_file(&path).is_err() && File::open(&path).is_err());
        drop(faults);
        let mut text = String::new();
        File::open(&path).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "1234");
    }

    #[test]
    fn what_changed_the_disk_is_noted_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let faults = Faults::record(folder.path(), false);
        let (x, y) = (root.join("x"), root.join("y"));
        File::create_new(&x).unwrap().write_all_at(b"abc", 0).unwrap();
        assert!(File::create_new(&x).is_err(), "what fails changes nothing");
        files::rename_to_new(&x, &y).unwrap();
        files::sync_dir(&root).unwrap();
        let events = faults.events();
        assert!(
            matches!(&events[..], [
            Event::File(a), Event::Write(b, Some(0), _), Event::Rename(c, d), Event::SyncDir(_),
        ] if *a == x && *b == x && *c == x && *d == y),
            "{events:?}"
        );
    }

    #[test]
    fn a_name_that_is_taken_is_never_replaced_whatever_the_file_system_knows() {
        for plain in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().canonicalize().unwrap();
            let (x, y) = (root.join("x"), root.join("y"));
            let _faults = Faults::record(&root, plain);
            File::create_new(&x).unwrap().write_all(b"new").unwrap();
            File::create_new(&y).unwrap().write_all(b"old").unwrap();
            assert!(files::rename_to_new(&x, &y).is_err());
            assert_eq!(fs::read(&y).unwrap(), b"old");
            files::remove_file(&y).unwrap();
            files::rename_to_new(&x, &y).unwrap();
            assert_eq!(fs::read(&y).unwrap(), b"new");
            assert!(!files::exists(&x).unwrap());
        }
    }
}

//! How are files opened, read and written?

use std::fs::{self, Metadata, TryLockError};
use std::io::{Read, Result, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, OFlags, fadvise};
use rustix::io::Errno;

use super::watch::{Op, watch, watch_sync, watch_write};

/// An open file, which knows by which name it was opened.
#[derive(Debug)]
pub(crate) struct File {
    file: fs::File,
    path: PathBuf,
}

impl File {
    /// For reading. Nothing is waited for: a pipe is opened at once, and empty.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, OFlags::NONBLOCK)
    }

    /// The same; `None` where it is a link.
    pub(crate) fn open_unless_link(path: &Path) -> Result<Option<Self>> {
        match Self::open_with(path, OFlags::NONBLOCK | OFlags::NOFOLLOW) {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::LOOP) => Ok(None),
            opened => opened.map(Some),
        }
    }

    fn open_with(path: &Path, flags: OFlags) -> Result<Self> {
        let mut how = fs::File::options();
        how.read(true).custom_flags(flags.bits().cast_signed());
        Self::new(path, watch(Op::Open(path), || how.open(path)))
    }

    /// Empty, for writing; a file that is there is emptied.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        Self::new(path, watch(Op::Create(path), || fs::File::create(path)))
    }

    /// For writing, under a name that must be free.
    pub(crate) fn create_new(path: &Path) -> Result<Self> {
        Self::new(path, watch(Op::Create(path), || fs::File::create_new(path)))
    }

    /// To be locked: made where it is not there, and left as it is where it is.
    pub(crate) fn open_or_create(path: &Path) -> Result<Self> {
        let mut how = fs::File::options();
        how.create(true).truncate(false).write(true);
        Self::new(path, watch(Op::Create(path), || how.open(path)))
    }

    pub(super) fn new(path: &Path, file: Result<fs::File>) -> Result<Self> {
        Ok(Self { file: file?, path: path.to_owned() })
    }

    /// What the system says of it.
    pub(crate) fn metadata(&self) -> Result<Metadata> {
        watch(Op::Look(&self.path), || self.file.metadata())
    }

    /// Fills `out` with the bytes at `at`.
    pub(crate) fn read_exact_at(&self, out: &mut [u8], at: u64) -> Result<()> {
        watch(Op::Read(&self.path), || self.file.read_exact_at(out, at))
    }

    /// Puts all of `bytes` at `at`.
    pub(crate) fn write_all_at(&self, bytes: &[u8], at: u64) -> Result<()> {
        let op = Op::Write(&self.path, Some(at));
        watch_write(op, bytes, |bytes| self.file.write_all_at(bytes, at))
    }

    /// Makes the bytes survive a power cut; its name is its folder's matter.
    pub(crate) fn sync(&self) -> Result<()> {
        watch_sync(Op::SyncFile(&self.path), || self.file.sync_all())
    }

    /// Has the system begin to put on disk what was written, which leaves a later sync less to wait for: a
    /// wait that no signal ends. Only advice, so that it cannot fail; what is not on disk stays in memory.
    pub(crate) fn begin_sync(&self) {
        let _unheard = fadvise(&self.file, 0, None, Advice::DontNeed);
    }

    /// Waits until nobody else holds the lock. It is let go when the file is closed, however that comes.
    pub(crate) fn lock(&self) -> Result<()> {
        watch(Op::Lock(&self.path), || self.file.lock())
    }

    /// Does somebody hold the lock? Found out by a lock that may be shared: on NFS any other needs a file
    /// that is open for writing.
    pub(crate) fn is_locked(&self) -> Result<bool> {
        watch(Op::Lock(&self.path), || match self.file.try_lock_shared() {
            Ok(()) => self.file.unlock().map(|()| false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        })
    }

    /// The standard library's, to map it or ask where it lies.
    pub(crate) fn as_std(&self) -> &fs::File {
        &self.file
    }
}

impl Read for File {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        watch(Op::Read(&self.path), || self.file.read(out))
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let op = Op::Write(&self.path, None);
        watch_write(op, bytes, |bytes| self.file.write_all(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// What the system says of what is there.
pub(crate) fn look(path: &Path) -> Result<Metadata> {
    watch(Op::Look(path), || fs::metadata(path))
}

/// The same, of a link itself.
pub(crate) fn look_at_link(path: &Path) -> Result<Metadata> {
    watch(Op::Look(path), || fs::symlink_metadata(path))
}

/// Is anything there? A path that cannot be looked at is an error, not a no.
pub(crate) fn exists(path: &Path) -> Result<bool> {
    watch(Op::Look(path), || path.try_exists())
}

/// Where a link points to.
pub(crate) fn read_link(path: &Path) -> Result<PathBuf> {
    watch(Op::Look(path), || fs::read_link(path))
}

/// The path without links.
pub(crate) fn canonicalize(path: &Path) -> Result<PathBuf> {
    watch(Op::Look(path), || fs::canonicalize(path))
}

//! What can go wrong with a NIfTI file, and what helps?
//!
//! [`NiftiError`] is what opening and writing say; [`ReadFault`] is the reason inside the
//! [`SourceError`] of a read. Each names the file, what was found, and the next step. Untidy things
//! that are accepted are [`Warning`](crate::Warning)s, not errors.

use std::io;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;

use crate::runtime::{BudgetError, remedy};
use crate::sink::BoxFault;
use crate::source::SourceError;

/// A NIfTI file could not be opened or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NiftiError {
    /// Nothing is there.
    #[error("{}: {what}; check the path", path.display())]
    NotFound {
        /// The path given.
        path: PathBuf,
        /// What is missing: the file, or the target of a link.
        what: String,
    },
    /// A placeholder for content that is kept elsewhere (git-annex, Git LFS).
    #[error("{}: the content is not present, only a {what}; fetch it first, for example with \
        `{fetch}`", path.display())]
    ContentNotPresent {
        /// The path given.
        path: PathBuf,
        /// The kind of placeholder.
        what: &'static str,
        /// A command that fetches it.
        fetch: String,
    },
    /// Not a NIfTI file.
    #[error("{}: not a NIfTI file: {found}", path.display())]
    NotNifti {
        /// The path given.
        path: PathBuf,
        /// What it looks like instead.
        found: String,
    },
    /// A NIfTI file (or a relative) of a kind that is not read here.
    #[error("{}: {what} not supported; {hint}", path.display())]
    Unsupported {
        /// The path given.
        path: PathBuf,
        /// The kind, with its verb: `complex numbers (datatype 32) are`.
        what: String,
        /// What to do instead.
        hint: &'static str,
    },
    /// A header field that could change a voxel's value or place is not usable.
    #[error("{}: header field {field} is {found}; expected {expected}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The field, by its name in the NIfTI specification.
        field: String,
        /// Its value.
        found: String,
        /// What would be accepted.
        expected: String,
    },
    /// The file ends before its last voxel.
    #[error("{}: the file has {has_bytes} bytes and its header needs {needs_bytes} ({why}); it is \
        cut short or its header is wrong: copy or convert it again", path.display())]
    TooShort {
        /// The file.
        path: PathBuf,
        /// Bytes the header asks for.
        needs_bytes: u128,
        /// Bytes that are there, or that they can inflate to at most.
        has_bytes: u128,
        /// How the need comes about.
        why: String,
    },
    /// The bytes of the file are damaged where the header lies.
    #[error("{}: cannot inflate the header: {reason}; the file is damaged, fetch or write it \
        again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        reason: io::Error,
    },
    /// One file of a pair, where the other is missing or in doubt.
    #[error("{}: a NIfTI pair is two files, and {found}; {help}", path.display())]
    HalfPair {
        /// The path given.
        path: PathBuf,
        /// What is, or is not, beside it.
        found: String,
        /// The next step.
        help: &'static str,
    },
    /// The file has another size than git-annex's key for it says.
    #[error("{}: git-annex's key for it says {expected} bytes, and the file has {found}; check it with \
        `git annex fsck` and fetch it again", path.display())]
    NotTheKey {
        /// The path given.
        path: PathBuf,
        /// Bytes by the key.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// The operating system refused.
    #[error("{}: cannot {doing}: {source}{}", path.display(), remedy(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried: `open the file`.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The file to write is already there.
    #[error("{}: exists already; choose another name or ask to overwrite it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The voxels given do not fill the header's shape.
    #[error("{}: got {found} and the header describes {expected}", path.display())]
    Length {
        /// The file to write.
        path: PathBuf,
        /// What was given.
        found: String,
        /// What the header describes.
        expected: String,
    },
    /// The voxels to write could not be read.
    #[error("{}: not written, its voxels could not be read: {source}", path.display())]
    Voxels {
        /// The file to write.
        path: PathBuf,
        /// Why.
        source: SourceError,
    },
    /// Less memory than one volume needs.
    #[error("{}: needs a memory budget of at least {} ({why}) and has {}; raise --memory",
        path.display(), ByteSize(*.needs_bytes), ByteSize(*.has_bytes))]
    Memory {
        /// The file to write.
        path: PathBuf,
        /// The smallest budget that would do, in bytes.
        needs_bytes: u64,
        /// The budget, in bytes.
        has_bytes: u64,
        /// The largest part of the need.
        why: String,
    },
    /// The memory that was planned for was not given.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// The work was cancelled; nothing was written.
    #[error("{}: cancelled, nothing was written", path.display())]
    Cancelled {
        /// The file to write.
        path: PathBuf,
    },
}

impl NiftiError {
    /// Wraps an I/O error with the file and what was tried.
    pub(super) fn io(path: &Path, doing: &'static str, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), doing, source }
    }

    /// Says of which file a fault is.
    pub(super) fn write(path: &Path, fault: WriteFault) -> Self {
        match fault {
            WriteFault::Io { doing, source } => Self::io(path, doing, source),
            WriteFault::Exists => Self::Exists { path: path.to_owned() },
            other => Self::io(path, "write", io::Error::other(other)),
        }
    }
}

/// Why an array was not written; travels inside a [`SinkError`](crate::SinkError), which names the file.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteFault {
    #[error("cannot {doing}: {source}{}", remedy(source))]
    Io { doing: &'static str, source: io::Error },
    #[error("exists already; choose another name or ask to overwrite it")]
    Exists,
    #[error(transparent)]
    Box(#[from] BoxFault),
    #[error(
        "a gzip file takes boxes one after the other in memory order; the next begins at byte \
        {next} of the array and has no gaps"
    )]
    OutOfOrder { next: u64 },
    #[error("{found} of {expected} bytes were put; nothing was written")]
    Missing { found: u64, expected: u64 },
}

impl WriteFault {
    /// Wraps an I/O error with what was tried.
    pub(super) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}

/// Why a read of voxels failed; travels inside a [`SourceError`].
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadFault {
    #[error("cannot read {len} bytes: {source}; the file shrank or its disk fails")]
    Io { len: u64, source: io::Error },
    #[error("the file changed since it was opened (size, time or identity); open it again")]
    Changed,
    #[error(
        "its header {} changed since it was opened (size, time or identity); open the pair again",
        path.display()
    )]
    PairChanged { path: PathBuf },
    #[error(
        "git-annex's key for the file says {expected}, and its bytes have the hash {found}; check it \
        with `git annex fsck` and fetch it again"
    )]
    NotTheKey { expected: String, found: String },
    #[error("the header differs from the one read when the file was opened; open it again")]
    HeaderChanged,
    #[error("asked for {asked} bytes of voxels where {left} are left")]
    PastEnd { asked: u64, left: u64 },
    #[error("asked for {len} bytes, which is no whole number of {item}-byte voxels")]
    Uneven { len: u64, item: usize },
    #[error("a gzip file is read from front to back only; stream it, or ingest it into a store")]
    Sequential,
    #[error(
        "the gzip data end after {has} inflated bytes and the header needs {needs}; the file \
        is cut short or its header is wrong: fetch or write it again"
    )]
    EndsEarly { has: u64, needs: u64 },
    #[error(
        "the gzip data break off in the middle of a member; the file is cut short: fetch it \
        again"
    )]
    Truncated,
    #[error(
        "the gzip data go on for more than {most} bytes after the {end} that the header describes; if they \
        are data, correct dim in the header, else the file is damaged or a trap"
    )]
    Bomb { end: u64, most: u64 },
    #[error("the gzip data are damaged ({0}); fetch or write the file again")]
    Corrupt(io::Error),
}

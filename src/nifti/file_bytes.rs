//! By which road do a file's bytes come in?
//!
//! [`FileBytes`] names the file, remembers its stamp and holds its mapping where it has one;
//! [`Reading`] is one read's hold on it. Both roads deliver the same bits. No file stays open between
//! reads, so thousands of runs can be listed under a small limit of open files.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf, absolute};

use super::annex::{self, Key};
use super::error::ReadFault;
use super::mmap::{CELL_BYTES, Cells, Mapping};
use super::{Io, NiftiError};
use crate::files::{self, File};
use crate::grid::Piece;
use crate::runtime::Stamp;

/// Below this many bytes a positioned read is cheaper than populating pages and giving them back, which
/// interrupts every thread of the process.
const LEAST_MAPPED_BYTES: usize = 512 << 10;

/// Resident memory of one read by either road, beyond the caller's buffer.
pub(super) const READ_SCRATCH_BYTES: u64 = CELL_BYTES as u64;

/// A file to read, as it was when opened.
pub(super) struct FileBytes {
    path: PathBuf,
    stamp: Stamp,
    map: Option<Mapping>,
    key: Option<Key>,
}

impl fmt::Debug for FileBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileBytes")
            .field("path", &self.path)
            .field("stamp", &self.stamp)
            .field("transport", &self.transport())
            .finish_non_exhaustive()
    }
}

impl FileBytes {
    /// Opens a regular file of at least one byte.
    ///
    /// # Errors
    /// When the system refuses, or the file has not the size that its key of git-annex says.
    pub(super) fn open(path: &Path, io: Io) -> Result<Self, NiftiError> {
        let failed = |doing| move |source| NiftiError::io(path, doing, source);
        let file = File::open(path).map_err(failed("open the file"))?;
        let found = file.metadata().map_err(failed("ask for the size of the file"))?;
        let stamp = Stamp::of(&found);
        let key = annex::key_of(path);
        if let Some(bytes) = key.as_ref().and_then(|key| key.bytes).filter(|&n| n != stamp.len) {
            return Err(NiftiError::NotTheKey {
                path: path.to_owned(),
                expected: bytes,
                found: stamp.len,
            });
        }
        let map = match io {
            Io::Read => None,
            Io::Map => {
                Some(Mapping::new(file.as_std(), stamp.len).map_err(failed("map the file"))?)
            }
            Io::Auto if is_remote(&file) => None,
            Io::Auto => Mapping::new(file.as_std(), stamp.len).ok(),
        };
        let path = absolute(path).unwrap_or_else(|_| path.to_owned());
        Ok(Self { path, stamp, map, key })
    }

    /// The same file, read by positioned reads: a header has no need of a mapping.
    pub(super) fn unmapped(self) -> Self {
        Self { map: None, ..self }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    pub(super) fn len(&self) -> u64 {
        self.stamp.len
    }

    /// What git-annex says of it, where it does.
    pub(super) fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }

    /// `mapped` or `positioned reads`.
    pub(super) fn transport(&self) -> &'static str {
        if self.map.is_some() { "mapped" } else { "positioned reads" }
    }

    /// Begins a read.
    pub(super) fn reading(&self) -> Reading<'_> {
        let cells = self.map.as_ref().map(Mapping::cells);
        Reading { bytes: self, cells, least_mapped_bytes: LEAST_MAPPED_BYTES, file: None }
    }

    /// Begins to read stretches of a few pages, which a mapping makes slower.
    pub(super) fn reading_short(&self) -> Reading<'_> {
        Reading { cells: None, ..self.reading() }
    }

    /// Begins to read front to back: a cell is populated and given back once then, however short the stretches.
    pub(super) fn reading_in_order(&self) -> Reading<'_> {
        Reading { least_mapped_bytes: 0, ..self.reading() }
    }

    /// Asks whether the file at this path is still the one that was opened.
    ///
    /// # Errors
    /// [`ReadFault::Changed`] where it is not, or is gone.
    pub(super) fn check_unchanged(&self) -> Result<(), ReadFault> {
        let same = files::look(&self.path).is_ok_and(|found| Stamp::of(&found) == self.stamp);
        if same { Ok(()) } else { Err(ReadFault::Changed) }
    }
}

/// One read's hold on a file.
pub(super) struct Reading<'a> {
    bytes: &'a FileBytes,
    cells: Option<Cells<'a>>,
    /// Shorter stretches come by positioned reads.
    least_mapped_bytes: usize,
    /// Opened when the first positioned read needs it.
    file: Option<File>,
}

impl Reading<'_> {
    /// Length of the file.
    pub(super) fn len(&self) -> u64 {
        self.bytes.len()
    }

    /// Fills `out` with the bytes at `at`.
    pub(super) fn read_at(&mut self, at: u64, out: &mut [u8]) -> Result<(), ReadFault> {
        let len = out.len() as u64;
        let read = match &mut self.cells {
            Some(cells) if out.len() >= self.least_mapped_bytes => cells.copy(at as usize, out),
            _ => self.file()?.read_exact_at(out, at),
        };
        read.map_err(|source| ReadFault::Io { len, source })
    }

    /// Fills the places of `pieces` in `out`. They lie in `span` of the file, which lies in one cell
    /// and is read once.
    pub(super) fn gather(
        &mut self,
        span: Range<u64>,
        pieces: impl Iterator<Item = Piece>,
        out: &mut [u8],
    ) -> Result<(), ReadFault> {
        let (start, len) = (span.start as usize, (span.end - span.start) as usize);
        assert!(len <= CELL_BYTES, "a span of {len} bytes lies in one cell");
        let failed = |source| ReadFault::Io { len: len as u64, source };
        if let Some(cells) = self.cells.as_mut().filter(|_| len >= self.least_mapped_bytes) {
            cells.populate(start, len).map_err(failed)?;
            for piece in pieces {
                cells.copy_resident(piece.at as usize, &mut out[piece.to..piece.to + piece.len]);
            }
            return Ok(());
        }
        let mut window = vec![0; len];
        self.file()?.read_exact_at(&mut window, span.start).map_err(failed)?;
        for piece in pieces {
            let from = (piece.at - span.start) as usize;
            out[piece.to..piece.to + piece.len].copy_from_slice(&window[from..from + piece.len]);
        }
        Ok(())
    }

    /// The open file, made sure to be the one that was stamped.
    fn file(&mut self) -> Result<&File, ReadFault> {
        if self.file.is_none() {
            let failed = |source| ReadFault::Io { len: 0, source };
            let file = File::open(&self.bytes.path).map_err(failed)?;
            if Stamp::of(&file.metadata().map_err(failed)?) != self.bytes.stamp {
                return Err(ReadFault::Changed);
            }
            self.file = Some(file);
        }
        self.file
            .as_ref()
            .ok_or_else(|| ReadFault::Io { len: 0, source: io::ErrorKind::NotFound.into() })
    }
}

/// True where a file lies on a network or user-space file system: there a page that cannot be had is
/// a dead process more often than an error.
fn is_remote(file: &File) -> bool {
    const NFS: u32 = 0x6969;
    const SMB: u32 = 0x517b;
    const CIFS: u32 = 0xff53_4d42;
    const SMB2: u32 = 0xfe53_4d42;
    const FUSE: u32 = 0x6573_5546;
    const LUSTRE: u32 = 0x0bd0_0bd0;
    const NINE_P: u32 = 0x0102_1997;
    const AFS: u32 = 0x5346_414f;
    const CEPH: u32 = 0x00c3_6400;
    const GPFS: u32 = 0x4750_4653;
    const BEEGFS: u32 = 0x1983_0326;
    const KINDS: [u32; 11] = [NFS, SMB, CIFS, SMB2, FUSE, LUSTRE, NINE_P, AFS, CEPH, GPFS, BEEGFS];
    rustix::fs::fstatfs(file.as_std()).is_ok_and(|found| KINDS.contains(&(found.f_type as u32)))
}

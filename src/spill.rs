//! Where does an array wait that does not fit in memory?
//!
//! In a [`Spill`]: a file without a name, gone with the process however that ends. Boxes come in any
//! order and are read in any other; each block of the grid that the reader wants lies in one piece of
//! the file. Bytes are kept as they are: what is written once and read once is not worth encoding.
//! Decides nothing about what waits, or when.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use bytesize::ByteSize;

use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::files::{self, File};
use crate::grid::{BlockGrid, Pieces, Region, copy_overlap, saturating_count};
use crate::runtime::free_bytes;
use crate::sink::{BoxFault, SinkError, check_bytes};
use crate::source::{Access, Source, SourceError};

/// What a positioned read or write uses beside its buffer.
const BOOKKEEPING_BYTES: u64 = 4 << 10;

/// Of what was written, at most so much is not on disk yet, but for a piece a writer. Until then its memory is of no other
/// use, and a memory cgroup counts it: the kernel may end a process that is within its budget.
pub(crate) const UNWRITTEN_BYTES: u64 = 4 << 20;

/// An array on disk that is written box by box and then read as a source.
pub(crate) struct Spill {
    name: String,
    shape: Vec<u64>,
    dtype: DType,
    grid: BlockGrid,
    /// Nothing before [`open`](Self::open).
    file: OnceLock<(PathBuf, File)>,
    put_elements: AtomicU64,
    unwritten_bytes: Mutex<u64>,
}

impl Spill {
    /// The facts; touches no disk. Blocks of `block` will be read whole.
    pub(crate) fn new(name: &str, shape: &[u64], dtype: DType, block: &[u64]) -> Self {
        Self {
            name: name.to_owned(),
            shape: shape.to_vec(),
            dtype,
            grid: BlockGrid::new(shape, block),
            file: OnceLock::new(),
            put_elements: AtomicU64::new(0),
            unwritten_bytes: Mutex::new(0),
        }
    }

    /// Bytes of the array.
    pub(crate) fn len_bytes(&self) -> u64 {
        saturating_count(&self.shape).saturating_mul(self.dtype.size() as u64)
    }

    /// Makes the file, in `folder`.
    ///
    /// # Errors
    /// When the folder cannot take a file, or its disk has no room for all of the array.
    pub(crate) fn open(&self, folder: &Path) -> Result<(), SinkError> {
        self.create(folder).map_err(|e| SinkError::new(&self.name, "scratch file", e))
    }

    fn create(&self, folder: &Path) -> Result<(), SpillError> {
        let failed = |source| SpillError::Io { folder: folder.to_owned(), source };
        let free_bytes = free_bytes(folder).map_err(failed)?;
        if self.len_bytes() > free_bytes {
            let (folder, needed_bytes) = (folder.to_owned(), self.len_bytes());
            return Err(SpillError::NoSpace { folder, needed_bytes, free_bytes });
        }
        let file = files::unnamed_file(folder).map_err(failed)?;
        // A file that is there already serves as well.
        let _ = self.file.set((folder.to_owned(), file));
        Ok(())
    }

    /// Memory of one `put` of a box of this shape, beyond the caller's.
    pub(crate) fn put_bytes(&self, shape: &[u64]) -> u64 {
        Self::put_bytes_of(self.part_bytes(shape))
    }

    /// The same, where so many bytes of the box lie in one block.
    pub(crate) fn put_bytes_of(part_bytes: u64) -> u64 {
        part_bytes + BOOKKEEPING_BYTES
    }

    /// Keeps the elements of a box, which are in memory order. Every element comes once.
    ///
    /// # Errors
    /// When the disk takes no more.
    pub(crate) fn put(&self, region: &Region, bytes: &[u8]) -> Result<(), SinkError> {
        self.keep(region, bytes).map_err(|e| SinkError::new(&self.name, format!("{region:?}"), e))
    }

    fn keep(&self, region: &Region, bytes: &[u8]) -> Result<(), SpillError> {
        let (folder, file) = self.file.get().ok_or(SpillError::NotOpen)?;
        let item = self.dtype.size();
        check_bytes(&self.shape, self.dtype, region, bytes)?;
        let mut gathered = self.part_buffer(region.shape()).ok_or(SpillError::NoMemory)?;
        let failed = |source| SpillError::Io { folder: folder.clone(), source };
        for (block, at) in self.blocks(region) {
            let Some(part) = block.overlap(region) else { continue };
            copy_overlap(bytes, region, &mut gathered, &part, item);
            for piece in Pieces::new(at, block.shape(), item, &part.within(&block)) {
                file.write_all_at(&gathered[piece.to..piece.to + piece.len], piece.at)
                    .map_err(failed)?;
            }
            self.sync_now_and_then(file, self.bytes_of(part.shape())).map_err(failed)?;
        }
        self.put_elements.fetch_add(region.len(), Ordering::Relaxed);
        Ok(())
    }

    /// Waits for the disk, and has others wait, where too much is not there yet.
    fn sync_now_and_then(&self, file: &File, more_bytes: u64) -> io::Result<()> {
        let mut unwritten = self.unwritten_bytes.lock().unwrap_or_else(PoisonError::into_inner);
        *unwritten += more_bytes;
        if *unwritten >= UNWRITTEN_BYTES {
            file.sync()?;
            *unwritten = 0;
        }
        Ok(())
    }

    fn get(&self, region: &Region, out: &mut [u8]) -> Result<(), SpillError> {
        let (folder, file) = self.file.get().ok_or(SpillError::NotOpen)?;
        if self.put_elements.load(Ordering::Relaxed) != saturating_count(&self.shape) {
            return Err(SpillError::NotFull);
        }
        let item = self.dtype.size();
        let failed = |source| SpillError::Io { folder: folder.clone(), source };
        let fill = |out: &mut [u8], part: &Region, block: &Region, at| {
            Pieces::new(at, block.shape(), item, &part.within(block))
                .try_for_each(|p| file.read_exact_at(&mut out[p.to..p.to + p.len], p.at))
                .map_err(failed)
        };
        let mut gathered = Buffer::default();
        for (block, at) in self.blocks(region) {
            let Some(part) = block.overlap(region) else { continue };
            if part == *region {
                return fill(out, region, &block, at);
            }
            if gathered.is_empty() {
                gathered = self.part_buffer(region.shape()).ok_or(SpillError::NoMemory)?;
            }
            fill(&mut gathered, &part, &block, at)?;
            copy_overlap(&gathered, &part, out, region, item);
        }
        Ok(())
    }

    /// The blocks that a region touches, and where in the file each begins.
    fn blocks(&self, region: &Region) -> impl Iterator<Item = (Region, u64)> {
        let block_bytes = self.bytes_of(self.grid.block_shape());
        self.grid.touching(region).map(move |position| {
            (self.grid.region(&position), self.grid.number(&position) * block_bytes)
        })
    }

    /// The largest part of a box of this shape that lies in one block.
    fn part_bytes(&self, shape: &[u64]) -> u64 {
        let block = self.grid.block_shape();
        self.bytes_of(&shape.iter().zip(block).map(|(&n, &b)| n.min(b)).collect::<Vec<_>>())
    }

    fn part_buffer(&self, shape: &[u64]) -> Option<Buffer> {
        Buffer::zeroed(self.part_bytes(shape))
    }

    fn bytes_of(&self, shape: &[u64]) -> u64 {
        saturating_count(shape).saturating_mul(self.dtype.size() as u64)
    }
}

impl fmt::Debug for Spill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spill({}, {:?} {})", self.name, self.shape, self.dtype)
    }
}

impl Source for Spill {
    fn name(&self) -> &str {
        &self.name
    }
    fn shape(&self) -> &[u64] {
        &self.shape
    }
    fn dtype(&self) -> DType {
        self.dtype
    }
    fn access(&self) -> Access {
        Access::Random
    }
    fn block_shape(&self) -> &[u64] {
        self.grid.block_shape()
    }
    fn scratch_bytes(&self) -> u64 {
        self.put_bytes(self.grid.block_shape())
    }
    fn read_scratch_bytes(&self, shape: &[u64]) -> u64 {
        self.put_bytes(shape)
    }
    fn stored_bytes(&self) -> u64 {
        self.len_bytes()
    }
    fn transport(&self) -> &'static str {
        "scratch file"
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        self.check_read(region, out)?;
        self.get(region, out).map_err(|e| SourceError::new(&self.name, format!("{region:?}"), e))
    }
}

/// An array cannot wait on disk.
#[derive(Debug, thiserror::Error)]
enum SpillError {
    #[error(
        "{}: {} must wait on disk there, {} are free; free some, choose another scratch folder, or \
        give a larger memory budget",
        folder.display(), ByteSize(*needed_bytes), ByteSize(*free_bytes)
    )]
    NoSpace { folder: PathBuf, needed_bytes: u64, free_bytes: u64 },
    #[error("in {}: {source}", folder.display())]
    Io { folder: PathBuf, source: io::Error },
    #[error(transparent)]
    Box(#[from] BoxFault),
    #[error("no memory to put a box together")]
    NoMemory,
    #[error("used before it was opened")]
    NotOpen,
    #[error("read before all of it was written")]
    NotFull,
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::{Spill, UNWRITTEN_BYTES};
    use crate::dtype::DType;
    use crate::files::{Event, Fault, Faults};
    use crate::grid::{BlockGrid, Region, copy_overlap, element_count};
    use crate::source::Source;
    use crate::source_conformance;

    fn numbers(shape: &[u64]) -> Vec<u8> {
        (0..element_count(shape).unwrap() * 4).map(|i| (i * 31 % 251) as u8).collect()
    }

    fn filled(shape: &[u64], block: &[u64], boxes: &[u64]) -> Spill {
        let spill = Spill::new("waiting", shape, DType::F32, block);
        spill.open(&std::env::temp_dir()).unwrap();
        let (whole, all) = (Region::whole(shape), numbers(shape));
        let grid = BlockGrid::new(shape, boxes);
        let mut regions: Vec<Region> = grid.touching(&whole).map(|p| grid.region(&p)).collect();
        regions.reverse();
        for region in regions {
            let mut part = vec![0; region.len() as usize * 4];
            copy_overlap(&all, &whole, &mut part, &region, 4);
            spill.put(&region, &part).unwrap();
        }
        spill
    }

    #[test]
    fn boxes_of_any_cut_come_back_as_a_source_that_keeps_its_promises() {
        let cases: [(&[u64], &[u64], &[u64]); 7] = [
            (&[], &[], &[]),
            (&[7], &[3], &[2]),
            (&[5, 4, 3], &[2, 4, 2], &[5, 4, 1]),
            (&[5, 4, 3, 6], &[2, 3, 2, 6], &[5, 4, 3, 1]),
            (&[5, 4, 3, 6], &[5, 4, 3, 1], &[2, 2, 2, 6]),
            (&[2, 3, 2, 3, 2], &[2, 2, 1, 2, 1], &[1, 3, 2, 3, 2]),
            (&[3, 0, 2], &[2, 1, 2], &[3, 1, 2]),
        ];
        for (shape, block, boxes) in cases {
            let spill = filled(shape, block, boxes);
            source_conformance::check(&spill, Some(&numbers(shape))).unwrap();
        }
    }

    #[test]
    fn what_was_not_written_is_not_read() {
        let spill = Spill::new("waiting", &[4, 4], DType::F32, &[2, 2]);
        let whole = Region::whole(&[4, 4]);
        let says = |spill: &Spill| spill.read(&whole, &mut [0; 64]).unwrap_err().to_string();
        assert!(says(&spill).contains("before it was opened"));
        spill.open(&std::env::temp_dir()).unwrap();
        spill.put(&Region::new(vec![0, 0], vec![4, 3]), &[1; 48]).unwrap();
        assert!(says(&spill).contains("before all of it was written"));
        spill.put(&Region::new(vec![0, 3], vec![4, 1]), &[1; 16]).unwrap();
        spill.read(&whole, &mut [0; 64]).unwrap();
    }

    #[test]
    fn a_box_elsewhere_or_of_another_size_is_an_error() {
        let spill = Spill::new("waiting", &[4, 4], DType::F32, &[2, 2]);
        spill.open(&std::env::temp_dir()).unwrap();
        let says =
            |region: Region, bytes: &[u8]| spill.put(&region, bytes).unwrap_err().to_string();
        assert!(says(Region::whole(&[4, 4]), &[0; 60]).contains("it has 60 bytes, expected 64"));
        assert!(
            says(Region::new(vec![0, 3], vec![4, 2]), &[0; 32])
                .contains("not lie in an array of shape")
        );
    }

    #[test]
    fn a_disk_that_fails_is_an_error_and_never_other_numbers() {
        let whole = Region::whole(&[4, 4]);
        for at in 0.. {
            let folder = tempfile::tempdir().unwrap();
            let faults = Faults::new(folder.path(), false, &[], at, Fault::Once(Errno::NOSPC));
            let spill = Spill::new("waiting", &[4, 4], DType::F32, &[2, 2]);
            let mut back = [0; 64];
            let put = spill.open(folder.path()).and_then(|()| spill.put(&whole, &numbers(&[4, 4])));
            if put.is_ok() && spill.read(&whole, &mut back).is_ok() {
                assert_eq!(back.to_vec(), numbers(&[4, 4]));
            } else {
                assert!(faults.fired());
            }
            if !faults.fired() {
                assert!(at > 8, "{at} operations");
                return;
            }
        }
    }

    #[test]
    fn what_is_put_does_not_pile_up_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let faults = Faults::record(folder.path(), false);
        let spill = Spill::new("waiting", &[64, 1 << 18], DType::U8, &[8, 1 << 18]);
        spill.open(folder.path()).unwrap();
        for row in 0..64 {
            let region = Region::new(vec![row, 0], vec![1, 1 << 18]);
            spill.put(&region, &vec![1; 1 << 18]).unwrap();
        }
        let (mut unwritten_bytes, mut syncs) = (0, 0);
        for event in faults.events() {
            match event {
                Event::Write(_, _, bytes) => unwritten_bytes += bytes.len() as u64,
                Event::SyncFile(_) => (unwritten_bytes, syncs) = (0, syncs + 1),
                _ => {}
            }
            assert!(unwritten_bytes <= UNWRITTEN_BYTES);
        }
        assert_eq!(syncs, (64 << 18) / UNWRITTEN_BYTES);
    }

    #[test]
    fn a_disk_without_room_is_refused_before_anything_is_written() {
        let spill = Spill::new("waiting", &[1 << 40, 1 << 10], DType::F64, &[1, 1]);
        let error = spill.open(&std::env::temp_dir()).unwrap_err();
        assert!(error.to_string().contains("8.0 PiB must wait on disk there"), "{error}");
        let error = spill.open("/no/such/folder".as_ref()).unwrap_err();
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
    }
}

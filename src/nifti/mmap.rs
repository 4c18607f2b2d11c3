//! How are mapped bytes copied without the process dying of a file that shrank?
//!
//! The only unsafe code of this module. A [`Mapping`] hands out no reference to mapped memory: its [`Cells`]
//! copy what lies in one cell of [`CELL_BYTES`] after the other, each made resident by
//! `MADV_POPULATE_READ` first (an error where plain access would be a SIGBUS) and given back after. What
//! remains is a file that is truncated in the microseconds between populating and copying. The plain twin, which tests compare with, is the
//! positioned reads of `file_bytes`.
#![expect(unsafe_code, reason = "copying out of a mapped file and giving its pages back")]

use std::fs::File;
use std::io;

use memmap2::{Advice, MmapOptions, MmapRaw, UncheckedAdvice};

/// The file is looked at as cells of this size, and one is resident at a time.
///
/// The page cache holds a file in aligned blocks of up to 2 MiB, and the kernel maps the whole block
/// when one page of it is asked for. Giving back just the pages asked for left half of a 590 MB file
/// resident (Linux 6.18), so whole cells are given back.
pub(super) const CELL_BYTES: usize = 2 << 20;

/// A file mapped for reading.
pub(super) struct Mapping {
    map: MmapRaw,
}

impl Mapping {
    /// Maps `len` bytes of a file and tries whether windows can be populated here.
    ///
    /// # Errors
    /// When the system cannot map the file or knows no `MADV_POPULATE_READ` (Linux before 5.14).
    pub(super) fn new(file: &File, len: u64) -> io::Result<Self> {
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::Unsupported)?;
        let mapping = Self { map: MmapOptions::new().len(len).map_raw_read_only(file)? };
        mapping.populate(0, len.min(1))?;
        mapping.give_back(0, len.min(1));
        Ok(mapping)
    }

    /// Begins to read.
    pub(super) fn cells(&self) -> Cells<'_> {
        Cells { map: self, resident: None }
    }

    /// Makes a range resident.
    ///
    /// # Errors
    /// When the range lies outside the map or (now) outside the file, or the disk fails.
    fn populate(&self, at: usize, len: usize) -> io::Result<()> {
        if at.checked_add(len).is_none_or(|end| end > self.map.len()) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.map.advise_range(Advice::PopulateRead, at, len)
    }

    /// Fills `out` from a range that was populated.
    fn copy_resident(&self, at: usize, out: &mut [u8]) {
        let end = at.checked_add(out.len());
        assert!(end.is_some_and(|end| end <= self.map.len()), "{at} + {} in the map", out.len());
        // SAFETY: the source range lies in the live map (asserted above) and `out` is exclusive
        // memory elsewhere. No reference to mapped memory is made, so a writer in another process
        // can change the bytes that arrive and nothing more; u8 has no invalid values.
        unsafe {
            self.map.as_ptr().add(at).copy_to_nonoverlapping(out.as_mut_ptr(), out.len());
        }
    }

    /// Lets go of the cells that a range touches. They can be read again.
    fn give_back(&self, at: usize, len: usize) {
        let start = at / CELL_BYTES * CELL_BYTES;
        let end = (at + len).next_multiple_of(CELL_BYTES).min(self.map.len());
        // SAFETY: the map is a shared, read-only map of a file: pages that are dropped come back
        // from the file at the next access, also under another thread's copy, and nothing borrows
        // the memory.
        let dropped = unsafe {
            self.map.unchecked_advise_range(UncheckedAdvice::DontNeed, start, end - start)
        };
        // Failure costs resident memory and changes no byte; there is nothing better to do.
        drop(dropped);
    }
}

/// One reader's way through a mapping. Of all that it has read one cell is resident, until it goes on to
/// another one or ends: giving back interrupts every thread of the process.
pub(super) struct Cells<'a> {
    map: &'a Mapping,
    /// A place in the cell.
    resident: Option<usize>,
}

impl Cells<'_> {
    /// Fills `out` with the bytes at `at`.
    pub(super) fn copy(&mut self, mut at: usize, mut out: &mut [u8]) -> io::Result<()> {
        while !out.is_empty() {
            let in_cell = (CELL_BYTES - at % CELL_BYTES).min(out.len());
            let (part, rest) = out.split_at_mut(in_cell);
            self.populate(at, in_cell)?;
            self.map.copy_resident(at, part);
            (at, out) = (at + in_cell, rest);
        }
        Ok(())
    }

    /// Makes a range of one cell resident.
    ///
    /// # Errors
    /// When the range lies outside the map or (now) outside the file, or the disk fails.
    pub(super) fn populate(&mut self, at: usize, len: usize) -> io::Result<()> {
        if self.resident.is_some_and(|other| other / CELL_BYTES != at / CELL_BYTES) {
            self.give_back();
        }
        // Also where it fails half-way.
        self.resident = (at < self.map.map.len()).then_some(at);
        self.map.populate(at, len)
    }

    /// Fills `out` from a range that was populated.
    pub(super) fn copy_resident(&self, at: usize, out: &mut [u8]) {
        self.map.copy_resident(at, out);
    }

    fn give_back(&mut self) {
        if let Some(at) = self.resident.take() {
            self.map.give_back(at, 1);
        }
    }
}

impl Drop for Cells<'_> {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::path::Path;

    use super::{CELL_BYTES, Mapping};
    use crate::nifti::testing::Folder;

    /// KiB of a mapped file that are resident in this process.
    fn resident_kib(path: &Path) -> u64 {
        let (mut ours, mut sum) = (false, 0);
        for line in fs::read_to_string("/proc/self/smaps").unwrap().lines() {
            match line.strip_prefix("Rss:") {
                Some(size) if ours => {
                    sum += size.trim().trim_end_matches(" kB").parse::<u64>().unwrap();
                }
                // A new mapping begins with its addresses; its facts are `Name: value`.
                None if line.split(' ').next().is_some_and(|word| word.contains('-')) => {
                    ours = line.ends_with(path.to_str().unwrap());
                }
                _ => {}
            }
        }
        sum
    }

    #[test]
    fn copying_leaves_nothing_resident_wherever_the_cuts_lie() {
        let folder = Folder::new();
        let bytes: Vec<u8> = (0..3 * CELL_BYTES + 777).map(|i| (i % 253) as u8).collect();
        let path = folder.write("x.nii", &bytes);
        let mapping = Mapping::new(&File::open(&path).unwrap(), bytes.len() as u64).unwrap();
        for step in [100_001, CELL_BYTES, 2 * CELL_BYTES + 5] {
            let mut got = vec![0; bytes.len()];
            let mut cells = mapping.cells();
            for (i, part) in got.chunks_mut(step).enumerate() {
                cells.copy(i * step, part).unwrap();
                assert!(resident_kib(&path) <= CELL_BYTES as u64 >> 10, "steps of {step}");
            }
            drop(cells);
            assert!(got == bytes, "steps of {step}");
            assert_eq!(resident_kib(&path), 0, "steps of {step}");
        }
        mapping.populate(0, 4096).unwrap();
        assert!(resident_kib(&path) > 0, "the measurement works");
    }

    #[test]
    fn a_range_outside_of_the_map_is_an_error() {
        let folder = Folder::new();
        let path = folder.write("x.nii", &[1; 100]);
        let mapping = Mapping::new(&File::open(path).unwrap(), 100).unwrap();
        assert!(mapping.cells().copy(90, &mut [0; 11]).is_err());
        assert!(mapping.cells().copy(usize::MAX, &mut [0; 1]).is_err());
    }
}

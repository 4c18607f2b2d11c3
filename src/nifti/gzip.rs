//! How are the voxels of a `.nii.gz` read?
//!
//! Once, from front to back, every byte checked: the numbers of a [`GzipStream`] count only when
//! `finish` has returned, because a gzip checksum comes last. No index into the deflate stream is kept,
//! so there are no random reads.

mod behind;
#[cfg(feature = "isal")]
mod isal;
#[cfg(feature = "isal")]
mod isal_member;
mod members;
mod window;

use std::io::{self, Read};
use std::sync::Arc;

use self::members::Members;
use self::window::Window;
use super::error::ReadFault;
use super::file_bytes::{FileBytes, READ_SCRATCH_BYTES};
use super::file_source::FileSource;
use super::fingerprint::Fingerprint;
use super::layout::Layout;
use crate::dtype::swap_bytes;
use crate::source::{Beside, SourceError, Stream, StreamEnd, StreamOptions, Warning};

pub(super) use self::members::MAGIC;

/// Compressed bytes loaded at once.
const WINDOW_BYTES: usize = 128 << 10;
/// Compressed bytes loaded at once when only a header is wanted.
const PEEK_BYTES: usize = 8 << 10;
/// Inflated bytes passed over at once.
const SKIP_BYTES: usize = 64 << 10;
/// The decoder: 32 KiB of history, its tables, and up to three header texts of 64 KiB. (ISA-L's has 64 KiB of
/// history and what it inflates ahead, and comes when the texts are gone.)
const DECODER_BYTES: u64 = 320 << 10;
#[cfg(feature = "isal")]
const _: () = assert!(isal::STATE_BYTES < DECODER_BYTES);
/// Memory of one stream.
pub(super) const SCRATCH_BYTES: u64 =
    READ_SCRATCH_BYTES + DECODER_BYTES + (WINDOW_BYTES + SKIP_BYTES) as u64;
/// What may follow the last voxel, unless the header describes more than this: then as much again.
const MOST_TRAILING_BYTES: u64 = 256 << 20;
/// deflate cannot shrink data further than this.
pub(super) const MOST_INFLATION: u64 = 1032;

/// Inflates the first bytes of a file, as far as `wanted` or its end.
///
/// # Errors
/// When the compressed data are damaged or cut short, or the file cannot be read.
pub(super) fn inflate_front(file: &FileBytes, wanted: u64) -> io::Result<Vec<u8>> {
    let mut front = Vec::new();
    Members::new(Window::new(file, PEEK_BYTES, None)).take(wanted).read_to_end(&mut front)?;
    Ok(front)
}

/// Inflates a whole file, or one byte more than `most` of it; the second number is that of bytes after
/// the last member that mean nothing.
///
/// # Errors
/// When the compressed data are damaged or cut short, or the file cannot be read.
pub(super) fn inflate_whole(file: &FileBytes, most: u64) -> io::Result<(Vec<u8>, u64)> {
    let mut bytes = Vec::new();
    let mut members = Members::new(Window::new(file, PEEK_BYTES, None));
    members.by_ref().take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes, members.junk_bytes))
}

/// The length of the last member, modulo 2^32, as the last four bytes of a file have it where it ends there.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn length_in_trailer(file: &FileBytes) -> io::Result<Option<u32>> {
    let mut bytes = [0; 4];
    let Some(at) = file.len().checked_sub(4) else { return Ok(None) };
    file.reading().read_at(at, &mut bytes).map_err(io::Error::other)?;
    Ok(Some(u32::from_le_bytes(bytes)))
}

/// Inflates a file to its end, keeping nothing: how many bytes there are, and why they end before `needs` or
/// cannot be vouched for. What goes on too far behind `needs` is not followed.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn inflated_bytes(file: &FileBytes, needs: u64) -> io::Result<(u64, Option<ReadFault>)> {
    let mut members = Members::new(Window::new(file, WINDOW_BYTES, None));
    let (mut scratch, mut has) = (vec![0; SKIP_BYTES], 0);
    while has <= needs.saturating_add(MOST_TRAILING_BYTES) {
        match members.read(&mut scratch) {
            Ok(0) if has < needs => return Ok((has, Some(ReadFault::EndsEarly { has, needs }))),
            Ok(0) => break,
            Ok(len) => has += len as u64,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => match decoder_fault(e) {
                ReadFault::Io { source, .. } => return Err(source),
                fault => return Ok((has, Some(fault))),
            },
        }
    }
    Ok((has, None))
}

/// One pass over a gzip file.
pub(super) struct GzipStream<'a> {
    source: &'a FileSource,
    /// `None` after a failure: nothing can be had from this stream then.
    members: Option<Members<'a>>,
    /// The next byte of the inflated file.
    at: u64,
}

impl<'a> GzipStream<'a> {
    /// Starts at the first voxel; the bytes before it must be `head`, of which the run was made.
    pub(super) fn new(
        source: &'a FileSource,
        head: &[u8],
        options: StreamOptions,
    ) -> Result<Self, SourceError> {
        let window = Window::new(&source.file, WINDOW_BYTES, source.fingerprint(options)?);
        let mut stream = Self { source, members: Some(Members::new(window)), at: 0 };
        stream.check_head(head).map_err(|fault| stream.fault(fault))?;
        Ok(stream)
    }

    fn fault(&self, fault: ReadFault) -> SourceError {
        let compressed = self.members.as_ref().map_or(0, Members::position);
        let place = format!("inflated byte {} (byte {compressed} of the file)", self.at);
        self.source.fault(place, fault)
    }

    /// Inflates what is left of `out`, as far as the data go.
    fn inflate(&mut self, out: &mut [u8]) -> Result<usize, ReadFault> {
        let members = self.members.as_mut().ok_or(ReadFault::Truncated)?;
        let mut filled = 0;
        while filled < out.len() {
            match members.read(&mut out[filled..]) {
                Ok(0) => break,
                Ok(len) => filled += len,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(decoder_fault(e)),
            }
        }
        self.at += filled as u64;
        Ok(filled)
    }

    /// Inflates all of `out`.
    fn inflate_exact(&mut self, out: &mut [u8]) -> Result<(), ReadFault> {
        if self.inflate(out)? == out.len() {
            return Ok(());
        }
        Err(ReadFault::EndsEarly { has: self.at, needs: self.source.layout.end() })
    }

    /// Passes over `bytes`, comparing nothing.
    fn pass(&mut self, mut bytes: u64) -> Result<(), ReadFault> {
        let mut scratch = vec![0; bytes.min(SKIP_BYTES as u64) as usize];
        while bytes > 0 {
            let part = bytes.min(SKIP_BYTES as u64);
            self.inflate_exact(&mut scratch[..part as usize])?;
            bytes -= part;
        }
        Ok(())
    }

    /// Inflates the bytes before the voxels.
    fn check_head(&mut self, head: &[u8]) -> Result<(), ReadFault> {
        let mut scratch = vec![0; head.len().min(SKIP_BYTES)];
        for expected in head.chunks(SKIP_BYTES) {
            let part = &mut scratch[..expected.len()];
            self.inflate_exact(part)?;
            if part != expected {
                return Err(ReadFault::HeaderChanged);
            }
        }
        Ok(())
    }

    /// Inflates what follows the last voxel, and gives its length. A little compressed data can inflate to
    /// hours of work that no header asked for.
    fn pass_trailing(&mut self) -> Result<u64, ReadFault> {
        let end = self.source.layout.end();
        let most = end.max(MOST_TRAILING_BYTES);
        let mut scratch = vec![0; SKIP_BYTES];
        while self.inflate(&mut scratch)? > 0 {
            if self.at - end > most {
                return Err(ReadFault::Bomb { end, most });
            }
        }
        Ok(self.at - end)
    }

    /// Inflates to the very end, which verifies the checksum of every member.
    fn end(&mut self) -> Result<StreamEnd, ReadFault> {
        self.pass(self.source.layout.end() - self.at)?;
        let trailing_bytes = self.pass_trailing()?;
        let members = self.members.take().ok_or(ReadFault::Truncated)?;
        let (count, junk_bytes) = (members.count, members.junk_bytes);
        let fingerprint = members.into_window().map(Window::into_fingerprint).transpose()?;
        self.source.check_unchanged()?;
        let sha256 = fingerprint.flatten().map(Fingerprint::finish).transpose()?;
        let mut warnings = Vec::new();
        let mut warn = |code: &str, message| {
            warnings.push(Warning { code: code.to_owned(), message });
        };
        if trailing_bytes > 0 {
            warn("N90", trailing_message(trailing_bytes, &self.source.layout));
        }
        if junk_bytes > 0 {
            warn("N89", junk_message(junk_bytes));
        }
        Ok(StreamEnd { sha256, gzip_members: count, trailing_bytes, warnings })
    }
}

impl Stream for GzipStream<'_> {
    fn read_next(&mut self, out: &mut [u8]) -> Result<(), SourceError> {
        self.source
            .check_next(self.at, out.len() as u64)
            .and_then(|()| self.inflate_exact(out))
            .map_err(|fault| self.fault(fault))?;
        if self.source.big_endian {
            swap_bytes(out, self.source.layout.dtype.size());
        }
        Ok(())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), SourceError> {
        self.source
            .check_next(self.at, bytes)
            .and_then(|()| self.pass(bytes))
            .map_err(|fault| self.fault(fault))
    }

    fn beside(&mut self) -> Option<Beside> {
        let window = self.members.as_mut()?.window()?;
        let behind = window.hash_behind(&self.source.file)?;
        Some(Arc::new(move || behind.advance()))
    }

    fn finish(mut self: Box<Self>) -> Result<StreamEnd, SourceError> {
        self.end().map_err(|fault| self.fault(fault))
    }
}

/// Tells a short file from a damaged one and from one that cannot be read.
fn decoder_fault(error: io::Error) -> ReadFault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ReadFault::Truncated,
        io::ErrorKind::Other => match error.downcast::<ReadFault>() {
            Ok(fault) => fault,
            Err(error) => ReadFault::Corrupt(error),
        },
        _ => ReadFault::Corrupt(error),
    }
}

/// What is said of bytes after the last member.
pub(super) fn junk_message(bytes: u64) -> String {
    format!("{bytes} bytes after the last gzip member are ignored")
}

/// What is said of bytes after the last voxel.
pub(super) fn trailing_message(bytes: u64, layout: &Layout) -> String {
    let volumes = bytes / layout.volume_bytes();
    let what = if volumes > 0 {
        format!(", room for {volumes} more volumes than dim[4] says")
    } else {
        String::new()
    };
    format!("{bytes} bytes follow the last voxel{what}; they are ignored")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use rand::RngCore;
    use rand_pcg::Pcg64Mcg;
    use sha2::{Digest, Sha256};

    use crate::grid::Region;
    use crate::nifti::hex::hex;
    use crate::nifti::open;
    use crate::nifti::testing::{
        Folder, Image, SHAPE, drain, gzip, open_as, open_each_way, voxel_bytes,
    };
    use crate::run::Run;
    use crate::source::{Access, StreamOptions};

    /// Voxels and end of bytes as a `.nii.gz`, by both roads, which must agree.
    fn drained(folder: &Folder, bytes: &[u8]) -> (Vec<u8>, crate::source::StreamEnd) {
        let runs = open_each_way(&folder.write("x.nii.gz", bytes));
        let [mapped, read] = runs.map(|run| drain(&run, true).unwrap());
        assert_eq!(mapped, read);
        assert_eq!(mapped.1.sha256, Some(hex(&Sha256::digest(bytes))));
        mapped
    }

    #[test]
    fn a_gzip_file_has_the_same_voxels_and_is_read_front_to_back_only() {
        let folder = Folder::new();
        for image in Image::all() {
            let (voxels, end) = drained(&folder, &image.gzip());
            assert_eq!((voxels, end.gzip_members, end.trailing_bytes), (voxel_bytes(), 1, 0));
            assert!(end.warnings.is_empty());
        }
        let run = open(folder.path("x.nii.gz")).unwrap();
        assert_eq!(run.source().access(), Access::Sequential);
        let error = run.source().read(&Region::whole(&SHAPE), &mut [0; 96]).unwrap_err();
        assert!(error.to_string().contains("front to back"), "{error}");
    }

    #[test]
    fn whoever_hashes_and_whenever_a_file_has_one_fingerprint() {
        let (folder, mut image) = (Folder::new(), Image::v1());
        // Noise that stays as long: more than may be left to others, and no whole number of steps.
        let mut noise = vec![0; 10_000_001];
        Pcg64Mcg::new(7).fill_bytes(&mut noise);
        image.bytes.extend(noise);
        let bytes = image.gzip();
        assert!(bytes.len() > 9_000_000);
        let expected = Some(hex(&Sha256::digest(&bytes)));
        for run in open_each_way(&folder.write("x.nii.gz", &bytes)) {
            for turn in ["nobody", "this thread", "another thread"] {
                let mut stream = run.source().stream(StreamOptions { sha256: true }).unwrap();
                stream.skip(2).unwrap();
                let beside = stream.beside().unwrap();
                let read = AtomicBool::new(false);
                let end = thread::scope(|scope| {
                    if turn == "another thread" {
                        let (read, beside) = (&read, &beside);
                        scope.spawn(move || {
                            while !read.load(Ordering::Relaxed) {
                                beside();
                            }
                        });
                    }
                    if turn == "this thread" {
                        while beside() {}
                    }
                    let end = stream.finish();
                    read.store(true, Ordering::Relaxed);
                    end
                });
                assert_eq!(end.unwrap().sha256, expected, "{turn}");
                assert!(!beside(), "nothing is left");
            }
            let mut stream = run.source().stream(StreamOptions::default()).unwrap();
            assert!(stream.beside().is_none(), "nothing is hashed");
        }
    }

    #[test]
    fn members_are_joined_wherever_they_are_cut() {
        let (folder, image) = (Folder::new(), Image::v1());
        for cut in [1, 348, 352, 353, 400] {
            let mut bytes = gzip(&image.bytes[..cut]);
            bytes.extend(gzip(&[]));
            bytes.extend(gzip(&image.bytes[cut..]));
            let (voxels, end) = drained(&folder, &bytes);
            assert_eq!((voxels, end.gzip_members), (voxel_bytes(), 3), "cut at {cut}");
        }
    }

    #[test]
    fn zeros_behind_the_last_member_are_padding_and_junk_is_said() {
        let (folder, image) = (Folder::new(), Image::v1());
        let mut bytes = image.gzip();
        bytes.extend([0; 512]);
        assert!(drained(&folder, &bytes).1.warnings.is_empty());
        bytes.extend(b"junk");
        let (voxels, end) = drained(&folder, &bytes);
        assert_eq!(voxels, voxel_bytes());
        assert!(end.warnings[0].to_string().contains("N89: 516 bytes"), "{:?}", end.warnings);
        bytes.truncate(image.gzip().len());
        bytes.push(0x1f);
        assert!(drained(&folder, &bytes).1.warnings[0].to_string().contains("N89: 1 bytes"));
    }

    #[test]
    fn more_data_than_the_header_says_is_drained_checked_and_said() {
        let (folder, mut image) = (Folder::new(), Image::v1());
        image.dim(&[4, 2, 3, 2, 2]);
        let (voxels, end) = drained(&folder, &image.gzip());
        assert_eq!((&voxels[..], end.trailing_bytes), (&voxel_bytes()[..48], 48));
        assert!(end.warnings[0].to_string().contains("2 more volumes"), "{:?}", end.warnings);
        let mut long = Image::long();
        long.dim(&[4, 2, 3, 2, 2]);
        let mut bytes = long.gzip();
        let crc = bytes.len() - 8;
        bytes[crc] ^= 1;
        assert!(drain(&open_as_kept(&folder, &bytes), false).is_err());
    }

    #[test]
    fn data_that_go_on_far_beyond_what_the_header_says_are_refused() {
        let folder = Folder::new();
        let mebibyte = gzip(&vec![0; 1 << 20]);
        let mut bytes = Image::v1().gzip();
        bytes.extend(mebibyte.repeat(256));
        let end = drain(&open_as_kept(&folder, &bytes), false).unwrap().1;
        assert_eq!(end.trailing_bytes, 256 << 20);
        bytes.extend(mebibyte);
        let text = drain(&open_as_kept(&folder, &bytes), false).unwrap_err().to_string();
        assert!(text.contains("more than 268435456 bytes after the 448"), "{text}");
    }

    #[test]
    fn less_data_than_the_header_says_is_an_error() {
        let (folder, image) = (Folder::new(), Image::v1());
        let run = open_as_kept(&folder, &gzip(&image.bytes[..image.bytes.len() - 2]));
        let text = drain(&run, false).unwrap_err().to_string();
        assert!(text.contains("446 inflated bytes") && text.contains("needs 448"), "{text}");
    }

    #[test]
    fn every_truncation_is_an_error() {
        let (folder, bytes) = (Folder::new(), Image::v1().gzip());
        for len in 0..bytes.len() {
            let path = folder.write("x.nii.gz", &bytes[..len]);
            assert!(
                open(path).map(|run| drain(&run, false)).ok().is_none_or(|r| r.is_err()),
                "{len}"
            );
        }
    }

    #[test]
    fn every_flipped_bit_is_an_error_or_changes_nothing() {
        let (folder, image) = (Folder::new(), Image::v1());
        let bytes = image.gzip();
        let mut harmless = 0;
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let Ok(run) = open(folder.write("x.nii.gz", &damaged)) else { continue };
            let Ok((voxels, _)) = drain(&run, false) else { continue };
            assert_eq!(voxels, voxel_bytes(), "bit {bit}");
            assert_eq!(&run.info().header[..], &image.bytes[..352], "bit {bit}");
            harmless += 1;
        }
        // Time (32 bits), extra flags (8), system (8) and the text flag say nothing; a few flips in
        // tables of codes that are never used inflate to the same bytes.
        assert!(harmless < 60, "{harmless} flips went unnoticed");
    }

    #[test]
    fn a_skip_is_checked_like_a_read() {
        let (folder, image) = (Folder::new(), Image::long());
        let mut bytes = image.gzip();
        let run = open_as_kept(&folder, &bytes);
        let mut stream = run.source().stream(StreamOptions::default()).unwrap();
        stream.skip(2398).unwrap();
        let mut last = [0; 2];
        stream.read_next(&mut last).unwrap();
        assert_eq!(last, image.bytes[image.bytes.len() - 2..]);
        assert!(stream.skip(2).is_err());
        assert!(stream.finish().is_ok());
        let at = bytes.len() - 1;
        bytes[at] ^= 1;
        let run = open_as_kept(&folder, &bytes);
        let stream = run.source().stream(StreamOptions::default()).unwrap();
        assert!(stream.finish().is_err());
    }

    #[test]
    fn a_file_that_changes_between_opening_and_the_end_is_noticed() {
        let (folder, image) = (Folder::new(), Image::v1());
        let run = open_as_kept(&folder, &image.gzip());
        let mut other = image.clone();
        other.float(112, 2.0);
        fs::write(folder.path("x.nii.gz"), other.gzip()).unwrap();
        assert!(drain(&run, false).is_err());
    }

    #[test]
    fn a_header_larger_than_a_window_is_inflated_whole() {
        let mut image = Image::v1();
        image.float(108, 1_000_000.0);
        image.bytes.splice(352..352, (0..1_000_000 - 352).map(|i| (i % 255) as u8));
        let run = open_as("x.nii.gz", &image.gzip());
        assert_eq!(run.unwrap().info().header.len(), 1_000_000);
    }

    fn open_as_kept(folder: &Folder, bytes: &[u8]) -> Run {
        open(folder.write("x.nii.gz", bytes)).unwrap()
    }
}

//! How are the voxels of an uncompressed file read?
//!
//! [`read`] reads any region; [`PlainStream`] goes front to back and can hash the file on the
//! way. Bytes leave here little-endian, whatever the file has.

use std::ops::Range;

use super::error::ReadFault;
use super::file_bytes::{READ_SCRATCH_BYTES, Reading};
use super::file_source::FileSource;
use super::fingerprint::Fingerprint;
use super::near_pieces::next_group;
use crate::dtype::swap_bytes;
use crate::grid::{Pieces, Region};
use crate::source::{SourceError, Stream, StreamEnd, StreamOptions};

/// What is read at once to hash bytes that nobody else asks for.
const HASH_BYTES: u64 = 64 << 10;

/// Memory of one read or stream.
pub(super) const SCRATCH_BYTES: u64 = READ_SCRATCH_BYTES + HASH_BYTES;

/// Fills `out` with a region, of which `check_read` has been asked.
pub(super) fn read(source: &FileSource, region: &Region, out: &mut [u8]) -> Result<(), ReadFault> {
    let FileSource { file, layout, big_endian, .. } = source;
    let item = layout.dtype.size();
    let mut reading = file.reading();
    let mut pieces = Pieces::new(layout.offset, &layout.shape, item, region);
    while let Some((together, span)) = next_group(&pieces) {
        if together > 1 {
            reading.gather(span, pieces.by_ref().take(together), out)?;
        } else if let Some(piece) = pieces.next() {
            reading.read_at(piece.at, &mut out[piece.to..piece.to + piece.len])?;
        }
    }
    source.check_unchanged()?;
    if *big_endian {
        swap_bytes(out, item);
    }
    Ok(())
}

/// Reads a part of a file, a window at a time.
pub(super) fn pass(
    reading: &mut Reading<'_>,
    bytes: Range<u64>,
    mut each: impl FnMut(&[u8]),
) -> Result<(), ReadFault> {
    let mut window = vec![0; (bytes.end - bytes.start).min(HASH_BYTES) as usize];
    let mut at = bytes.start;
    while at < bytes.end {
        let part = &mut window[..(bytes.end - at).min(HASH_BYTES) as usize];
        reading.read_at(at, part)?;
        each(part);
        at += part.len() as u64;
    }
    Ok(())
}

/// One pass over a plain file.
pub(super) struct PlainStream<'a> {
    source: &'a FileSource,
    reading: Reading<'a>,
    /// The next byte of the file.
    at: u64,
    fingerprint: Option<Fingerprint>,
}

impl<'a> PlainStream<'a> {
    /// Starts at the first voxel.
    pub(super) fn new(source: &'a FileSource, options: StreamOptions) -> Result<Self, SourceError> {
        let fingerprint = source.fingerprint(options)?;
        let mut stream =
            Self { source, reading: source.file.reading_in_order(), at: 0, fingerprint };
        stream.pass(source.layout.offset).map_err(|fault| stream.fault(fault))?;
        Ok(stream)
    }

    fn fault(&self, fault: ReadFault) -> SourceError {
        self.source.fault(format!("byte {}", self.at), fault)
    }

    /// Moves on, through the hash where there is one.
    fn pass(&mut self, bytes: u64) -> Result<(), ReadFault> {
        let part = self.at..self.at + bytes;
        if let Some(fingerprint) = &mut self.fingerprint {
            pass(&mut self.reading, part.clone(), |bytes| fingerprint.update(bytes))?;
        }
        self.at = part.end;
        Ok(())
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), ReadFault> {
        self.source.check_next(self.at, out.len() as u64)?;
        self.reading.read_at(self.at, out)?;
        if let Some(fingerprint) = &mut self.fingerprint {
            fingerprint.update(out);
        }
        self.at += out.len() as u64;
        if self.source.big_endian {
            swap_bytes(out, self.source.layout.dtype.size());
        }
        Ok(())
    }

    fn end(&mut self) -> Result<StreamEnd, ReadFault> {
        let trailing_bytes = self.source.file.len() - self.source.layout.end();
        self.pass(self.source.file.len() - self.at)?;
        self.source.check_unchanged()?;
        let sha256 = self.fingerprint.take().map(Fingerprint::finish).transpose()?;
        Ok(StreamEnd { sha256, trailing_bytes, ..StreamEnd::default() })
    }
}

impl Stream for PlainStream<'_> {
    fn read_next(&mut self, out: &mut [u8]) -> Result<(), SourceError> {
        self.fill(out).map_err(|fault| self.fault(fault))
    }

    fn skip(&mut self, bytes: u64) -> Result<(), SourceError> {
        self.source
            .check_next(self.at, bytes)
            .and_then(|()| self.pass(bytes))
            .map_err(|fault| self.fault(fault))
    }

    fn finish(mut self: Box<Self>) -> Result<StreamEnd, SourceError> {
        self.end().map_err(|fault| self.fault(fault))
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};

    use sha2::{Digest, Sha256};

    use crate::dtype::DType;
    use crate::grid::{Region, copy_overlap};
    use crate::nifti::hex::hex;
    use crate::nifti::testing::{Folder, Image, SHAPE, drain, open_each_way, voxel_bytes};
    use crate::source::{Access, StreamOptions};

    /// Every region of the small array.
    fn regions() -> Vec<Region> {
        let mut regions = vec![(vec![], vec![])];
        for n in SHAPE {
            regions = regions
                .into_iter()
                .flat_map(|(start, shape): (Vec<u64>, Vec<u64>)| {
                    (0..n).flat_map(move |s| (0..=n - s).map(move |l| (s, l))).map(move |(s, l)| {
                        let mut next = (start.clone(), shape.clone());
                        next.0.push(s);
                        next.1.push(l);
                        next
                    })
                })
                .collect();
        }
        regions.into_iter().map(|(start, shape)| Region::new(start, shape)).collect()
    }

    #[test]
    fn every_region_has_the_same_bits_mapped_and_read_in_both_byte_orders() {
        let (folder, all) = (Folder::new(), voxel_bytes());
        let whole = Region::whole(&SHAPE);
        for (i, image) in Image::all().enumerate() {
            let path = folder.write(&format!("{i}.nii"), &image.bytes);
            for run in open_each_way(&path) {
                for region in regions() {
                    let mut want = vec![0; region.len() as usize * 2];
                    copy_overlap(&all, &whole, &mut want, &region, 2);
                    let mut got = vec![0; want.len()];
                    run.source().read(&region, &mut got).unwrap();
                    assert_eq!(got, want, "{region:?}");
                }
            }
        }
    }

    /// A file of several windows, so that mapping, grouping and giving back are exercised.
    #[test]
    fn large_regions_mapped_and_read_agree_with_the_file() {
        let folder = Folder::new();
        let shape = [70_u64, 90, 40, 6];
        let len = shape.iter().product::<u64>() as usize * 2;
        let mut image = Image::v1();
        image.dim(&[4, 70, 90, 40, 6]);
        image.bytes.truncate(352);
        image.bytes.extend((0..len).map(|i| (i * 31 % 251) as u8));
        let path = folder.write("x.nii", &image.bytes);
        let whole = Region::whole(&shape);
        let cuts = [
            whole.clone(),
            whole.with_axis(3, 1, 4),
            whole.with_axis(0, 3, 50),
            whole.with_axis(1, 10, 1).with_axis(0, 69, 1),
            Region::new(vec![33, 44, 20, 0], vec![1, 1, 1, 6]),
        ];
        for run in open_each_way(&path) {
            for region in &cuts {
                let mut want = vec![0; region.len() as usize * 2];
                copy_overlap(&image.bytes[352..], &whole, &mut want, region, 2);
                let mut got = vec![0; want.len()];
                run.source().read(region, &mut got).unwrap();
                assert!(got == want, "{region:?}");
            }
            assert_eq!(run.source().access(), Access::Random);
        }
    }

    #[test]
    fn a_region_outside_or_a_buffer_of_another_size_is_an_error() {
        let folder = Folder::new();
        for run in open_each_way(&folder.write("x.nii", &Image::v1().bytes)) {
            let whole = Region::whole(&SHAPE);
            assert!(run.source().read(&whole.with_axis(3, 3, 2), &mut [0; 48]).is_err());
            assert!(run.source().read(&whole.with_axis(3, u64::MAX, 2), &mut [0; 48]).is_err());
            assert!(run.source().read(&whole, &mut [0; 95]).is_err());
        }
    }

    #[test]
    fn a_stream_delivers_all_voxels_and_hashes_the_whole_file_when_asked() {
        let folder = Folder::new();
        for image in Image::all() {
            let mut bytes = image.bytes.clone();
            bytes.extend_from_slice(b"behind");
            for run in open_each_way(&folder.write("x.nii", &bytes)) {
                for sha256 in [false, true] {
                    let (voxels, end) = drain(&run, sha256).unwrap();
                    assert_eq!((voxels, end.trailing_bytes), (voxel_bytes(), 6));
                    assert_eq!(end.sha256, sha256.then(|| hex(&Sha256::digest(&bytes))));
                }
                let mut stream = run.source().stream(StreamOptions { sha256: true }).unwrap();
                stream.skip(90).unwrap();
                let mut rest = [0; 6];
                stream.read_next(&mut rest).unwrap();
                assert_eq!(rest, voxel_bytes()[90..]);
                assert!(stream.read_next(&mut rest).is_err());
                assert_eq!(stream.finish().unwrap().sha256, Some(hex(&Sha256::digest(&bytes))));
            }
        }
    }

    #[test]
    fn a_file_that_shrinks_after_opening_is_an_error_and_not_a_dead_process() {
        let folder = Folder::new();
        let mut image = Image::v1();
        image.dim(&[4, 100, 100, 50, 4]);
        image.bytes.resize(352 + 4_000_000, 1);
        for cut in [0, 352, 1_000_000] {
            let path = folder.write("x.nii", &image.bytes);
            let runs = open_each_way(&path);
            OpenOptions::new().write(true).open(&path).unwrap().set_len(cut).unwrap();
            for run in runs {
                let mut out = vec![0; 4_000_000];
                let error = run.source().read(&Region::whole(run.shape()), &mut out).unwrap_err();
                assert!(error.to_string().contains("x.nii"), "{error}");
            }
        }
    }

    #[test]
    fn a_file_that_was_replaced_or_rewritten_is_noticed() {
        let folder = Folder::new();
        let path = folder.write("x.nii", &Image::v1().bytes);
        let runs = open_each_way(&path);
        let mut other = Image::v1();
        other.raw(360, &[9; 4]);
        fs::rename(folder.write("y.nii", &other.bytes), &path).unwrap();
        for run in runs {
            let mut out = [0; 96];
            assert!(run.source().read(&Region::whole(&SHAPE), &mut out).is_err());
            assert!(drain(&run, false).is_err());
        }
    }

    #[test]
    fn the_nifti_crate_reads_the_same_numbers() {
        use ::nifti::{InMemNiftiObject, IntoNdArray, NiftiObject};
        for big_endian in [false, true] {
            for (code, dtype) in
                [(2, DType::U8), (4, DType::I16), (8, DType::I32), (16, DType::F32)]
            {
                let mut image = Image::new(crate::nifti::header::Version::One, big_endian);
                let item = dtype.size();
                image.int(70, 2, code);
                image.int(72, 2, item as i64 * 8);
                image.dim(&[4, 2, 3, 2, (8 / item) as i64]);
                let folder = Folder::new();
                let path = folder.write("x.nii", &image.bytes);
                let run = crate::nifti::open(&path).unwrap();
                let (bytes, _) = drain(&run, false).unwrap();
                let ours: Vec<f64> = bytes.chunks(item).map(|raw| number(raw, dtype)).collect();
                let theirs = InMemNiftiObject::from_reader(&image.bytes[..]).unwrap();
                let theirs = theirs.into_volume().into_ndarray::<f64>().unwrap();
                let theirs: Vec<f64> = theirs.t().iter().copied().collect();
                assert_eq!(ours.len(), theirs.len());
                for (a, b) in ours.iter().zip(&theirs) {
                    assert!(a == b || (a.is_nan() && b.is_nan()), "{dtype}: {a} and {b}");
                }
            }
        }
    }

    fn number(raw: &[u8], dtype: DType) -> f64 {
        match dtype {
            DType::U8 => f64::from(raw[0]),
            DType::I16 => f64::from(i16::from_le_bytes(raw.try_into().unwrap())),
            DType::I32 => f64::from(i32::from_le_bytes(raw.try_into().unwrap())),
            _ => f64::from(f32::from_le_bytes(raw.try_into().unwrap())),
        }
    }
}

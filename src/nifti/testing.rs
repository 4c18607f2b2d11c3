//! What do tests of this module need? Tiny files, and a folder that goes away.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::header::Version;
use super::{Io, NiftiError, open, open_with};
use crate::grid::Region;
use crate::run::Run;
use crate::source::{SourceError, StreamEnd, StreamOptions};

/// A NIfTI file in memory, 2 x 3 x 2 x 4 of int16 unless patched.
#[derive(Clone)]
pub(super) struct Image {
    pub(super) version: Version,
    pub(super) big_endian: bool,
    pub(super) bytes: Vec<u8>,
}

pub(super) const SHAPE: [u64; 4] = [2, 3, 2, 4];
pub(super) const VOXELS: usize = 48;

/// The voxels of an [`Image`]: both bytes of each differ and depend on its index.
pub(super) fn voxels() -> Vec<i16> {
    (0..VOXELS as i16).map(|i| i * 517 - 3000).collect()
}

/// The same, as little-endian bytes.
pub(super) fn voxel_bytes() -> Vec<u8> {
    voxels().into_iter().flat_map(i16::to_le_bytes).collect()
}

impl Image {
    pub(super) fn new(version: Version, big_endian: bool) -> Self {
        let mut image = Self { version, big_endian, bytes: vec![0; version.least_offset()] };
        match version {
            Version::One => {
                image.int(0, 4, 348);
                image.raw(344, b"n+1\0");
                image.int(70, 2, 4);
                image.int(72, 2, 16);
                image.float(108, 352.0);
                image.float(112, 1.0);
                image.raw(123, &[10]);
            }
            Version::Two => {
                image.int(0, 4, 540);
                image.raw(4, b"n+2\0\r\n\x1a\n");
                image.int(12, 2, 4);
                image.int(14, 2, 16);
                image.int(168, 8, 544);
                image.float(176, 1.0);
                image.int(500, 4, 10);
            }
        }
        image.dim(&[4, 2, 3, 2, 4, 1, 1, 1]);
        image.pixdim(&[1.0, 3.0, 3.0, 4.0, 2.5, 0.0, 0.0, 0.0]);
        for value in voxels() {
            let raw = if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
            image.bytes.extend_from_slice(&raw);
        }
        image
    }

    pub(super) fn v1() -> Self {
        Self::new(Version::One, false)
    }

    /// One that is longer than what opening inflates.
    pub(super) fn long() -> Self {
        let mut image = Self::v1();
        image.dim(&[4, 2, 3, 2, 100]);
        image.bytes.extend((0..2304).map(|i| (i % 251) as u8));
        image
    }

    /// Every combination of version and byte order.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        [Version::One, Version::Two]
            .into_iter()
            .flat_map(|version| [false, true].map(|big_endian| Self::new(version, big_endian)))
    }

    pub(super) fn raw(&mut self, at: usize, field: &[u8]) {
        self.bytes[at..at + field.len()].copy_from_slice(field);
    }

    pub(super) fn int(&mut self, at: usize, size: usize, value: i64) {
        let mut field = value.to_le_bytes()[..size].to_vec();
        if self.big_endian {
            field.reverse();
        }
        self.raw(at, &field);
    }

    /// float32 in NIfTI-1, float64 in NIfTI-2.
    pub(super) fn float(&mut self, at: usize, value: f64) {
        let mut field = match self.version {
            Version::One => (value as f32).to_le_bytes().to_vec(),
            Version::Two => value.to_le_bytes().to_vec(),
        };
        if self.big_endian {
            field.reverse();
        }
        self.raw(at, &field);
    }

    pub(super) fn dim(&mut self, dim: &[i64]) {
        let (at, size) = match self.version {
            Version::One => (40, 2),
            Version::Two => (16, 8),
        };
        for (i, &n) in dim.iter().enumerate() {
            self.int(at + i * size, size, n);
        }
    }

    pub(super) fn pixdim(&mut self, pixdim: &[f64]) {
        let (at, size) = match self.version {
            Version::One => (76, 4),
            Version::Two => (104, 8),
        };
        for (i, &v) in pixdim.iter().enumerate() {
            self.float(at + i * size, v);
        }
    }

    pub(super) fn gzip(&self) -> Vec<u8> {
        gzip(&self.bytes)
    }

    /// The same as the two files of a pair: header with extender, and voxels.
    pub(super) fn pair(&self) -> (Self, Vec<u8>) {
        let mut header = self.clone();
        let voxels = header.bytes.split_off(self.version.least_offset());
        match self.version {
            Version::One => header.raw(344, b"ni1\0"),
            Version::Two => header.raw(4, b"ni2\0"),
        }
        header.vox_offset(0);
        (header, voxels)
    }

    pub(super) fn vox_offset(&mut self, offset: i64) {
        match self.version {
            Version::One => self.float(108, offset as f64),
            Version::Two => self.int(168, 8, offset),
        }
    }
}

/// One gzip member.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A folder of test files.
pub(super) struct Folder(TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(super) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// Opens bytes as a file of this name.
pub(super) fn open_as(name: &str, bytes: &[u8]) -> Result<Run, NiftiError> {
    let folder = Folder::new();
    open(folder.write(name, bytes))
}

/// The error text of opening bytes as `x.nii`.
pub(super) fn refusal(image: &Image) -> String {
    open_as("x.nii", &image.bytes).expect_err("this file is refused").to_string()
}

/// The codes of the warnings of opening bytes as `x.nii`.
pub(super) fn warnings(image: &Image) -> Vec<String> {
    let run = open_as("x.nii", &image.bytes).unwrap();
    run.info().warnings.iter().map(|w| w.code.clone()).collect()
}

/// Opens both ways.
pub(super) fn open_each_way(path: &std::path::Path) -> [Run; 2] {
    [Io::Map, Io::Read].map(|io| open_with(path, io).unwrap())
}

/// All voxels, through a stream that was finished.
pub(super) fn drain(run: &Run, sha256: bool) -> Result<(Vec<u8>, StreamEnd), SourceError> {
    let source = run.source();
    let len = Region::whole(source.shape()).len() as usize * source.dtype().size();
    let mut stream = source.stream(StreamOptions { sha256 })?;
    let mut bytes = vec![0; len];
    let step = source.dtype().size() * 7;
    for part in bytes.chunks_mut(step) {
        stream.read_next(part)?;
    }
    Ok((bytes, stream.finish()?))
}

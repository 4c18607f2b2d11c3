//! NIfTI files of every kind, made by the byte: sound ones, odd ones and broken ones.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

/// NIfTI's codes and the size of an element: u8 i8 u16 i16 u32 i32 u64 i64 f32 f64.
pub(crate) const TYPES: [(i16, usize, &str); 10] = [
    (2, 1, "uint8"),
    (256, 1, "int8"),
    (512, 2, "uint16"),
    (4, 2, "int16"),
    (768, 4, "uint32"),
    (8, 4, "int32"),
    (1280, 8, "uint64"),
    (1024, 8, "int64"),
    (16, 4, "float32"),
    (64, 8, "float64"),
];

/// A NIfTI file to be.
#[derive(Clone)]
pub(crate) struct Nifti {
    /// NIfTI-2 instead of NIfTI-1.
    pub(crate) two: bool,
    pub(crate) big_endian: bool,
    pub(crate) datatype: i16,
    pub(crate) bitpix: i16,
    pub(crate) dim: [i64; 8],
    pub(crate) offset: f64,
    pub(crate) slope: f64,
    pub(crate) inter: f64,
    pub(crate) magic: [u8; 4],
    /// Edge of a voxel along x; the affine follows it.
    pub(crate) zoom: f64,
    /// Bytes after the last voxel.
    pub(crate) tail: Vec<u8>,
    /// Makes another file of the same shape.
    pub(crate) seed: u64,
    /// Fields that are written over the others, by [`field`](Self::field).
    pub(crate) fields: Vec<(&'static str, usize, f64)>,
}

/// The first byte of a field, and the kind of number there.
type Place = (usize, Kind);

/// Fields of a header: name, and place in NIfTI-1 and NIfTI-2.
const FIELDS: [(&str, Place, Place); 18] = [
    ("sizeof_hdr", (0, Kind::I32), (0, Kind::I32)),
    ("dim_info", (39, Kind::U8), (524, Kind::U8)),
    ("intent_code", (68, Kind::I16), (504, Kind::I32)),
    ("datatype", (70, Kind::I16), (12, Kind::I16)),
    ("bitpix", (72, Kind::I16), (14, Kind::I16)),
    ("slice_start", (74, Kind::I16), (224, Kind::I64)),
    ("pixdim", (76, Kind::F32), (104, Kind::F64)),
    ("slice_end", (120, Kind::I16), (232, Kind::I64)),
    ("slice_code", (122, Kind::U8), (496, Kind::I32)),
    ("xyzt_units", (123, Kind::U8), (500, Kind::I32)),
    ("slice_duration", (132, Kind::F32), (208, Kind::F64)),
    ("toffset", (136, Kind::F32), (216, Kind::F64)),
    ("qform_code", (252, Kind::I16), (344, Kind::I32)),
    ("sform_code", (254, Kind::I16), (348, Kind::I32)),
    ("quatern", (256, Kind::F32), (352, Kind::F64)),
    ("qoffset", (268, Kind::F32), (376, Kind::F64)),
    ("srow", (280, Kind::F32), (400, Kind::F64)),
    ("extension", (348, Kind::U8), (540, Kind::U8)),
];

/// How a field is stored.
#[derive(Clone, Copy)]
enum Kind {
    U8,
    I16,
    I32,
    I64,
    F32,
    F64,
}

impl Kind {
    fn little_endian(self, value: f64) -> Vec<u8> {
        match self {
            Self::U8 => vec![value as u8],
            Self::I16 => (value as i16).to_le_bytes().to_vec(),
            Self::I32 => (value as i32).to_le_bytes().to_vec(),
            Self::I64 => (value as i64).to_le_bytes().to_vec(),
            Self::F32 => (value as f32).to_le_bytes().to_vec(),
            Self::F64 => value.to_le_bytes().to_vec(),
        }
    }
}

impl Nifti {
    /// A little-endian NIfTI-1 file of int16.
    pub(crate) fn new(shape: [i64; 4]) -> Self {
        let [x, y, z, t] = shape;
        Self {
            two: false,
            big_endian: false,
            datatype: 4,
            bitpix: 16,
            dim: [4, x, y, z, t, 1, 1, 1],
            offset: 352.0,
            slope: 1.0,
            inter: 0.0,
            magic: *b"n+1\0",
            zoom: 3.0,
            tail: Vec::new(),
            seed: 1,
            fields: Vec::new(),
        }
    }

    /// Puts a value into a field of the header; `index` counts within fields such as `pixdim`.
    pub(crate) fn field(mut self, name: &'static str, index: usize, value: f64) -> Self {
        self.fields.push((name, index, value));
        self
    }

    pub(crate) fn version_two(mut self) -> Self {
        (self.two, self.offset, self.magic) = (true, 544.0, *b"n+2\0");
        self
    }

    pub(crate) fn of_type(mut self, datatype: i16, size: usize) -> Self {
        (self.datatype, self.bitpix) = (datatype, 8 * size as i16);
        self
    }

    /// Small whole numbers that every type holds: a level a voxel, and noise around it.
    pub(crate) fn samples(&self) -> impl Iterator<Item = i64> + use<> {
        let length = |axis: usize| self.dim[axis].clamp(1, 1 << 20) as u64;
        let (volume, total) = (length(1) * length(2) * length(3), (1..8).map(length).product());
        let seed = self.seed;
        (0..total).map(move |i: u64| {
            let mixed = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ (seed << 17));
            let noise = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 60;
            (40 + (i % volume) % 60 + noise) as i64
        })
    }

    fn order<const N: usize>(&self, little: [u8; N]) -> [u8; N] {
        let mut bytes = little;
        if self.big_endian {
            bytes.reverse();
        }
        bytes
    }

    /// The samples as they are stored.
    pub(crate) fn voxels(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for value in self.samples() {
            match self.datatype {
                16 => out.extend(self.order((value as f32).to_le_bytes())),
                64 => out.extend(self.order((value as f64).to_le_bytes())),
                _ => match self.bitpix / 8 {
                    1 => out.push(value as u8),
                    2 => out.extend(self.order((value as i16).to_le_bytes())),
                    4 => out.extend(self.order((value as i32).to_le_bytes())),
                    _ => out.extend(self.order(value.to_le_bytes())),
                },
            }
        }
        out
    }

    /// Everything before the first voxel.
    pub(crate) fn header(&self) -> Vec<u8> {
        let least = if self.two { 544 } else { 352 };
        let length = if self.offset.is_finite() { self.offset.clamp(0.0, 1e6) as usize } else { 0 };
        let mut out = vec![0; length.max(least)];
        let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
        let pixdim = [1.0, self.zoom, 3.0, 3.0, 2.0, 0.0, 0.0, 0.0];
        let (zoom, other) = (self.zoom, 3.0);
        let affine = [zoom, 0.0, 0.0, -9.0, 0.0, other, 0.0, -12.0, 0.0, 0.0, other, 5.0];
        let single = |v: f64| self.order((v as f32).to_le_bytes());
        let double = |v: f64| self.order(v.to_le_bytes());
        let short = |v: i16| self.order(v.to_le_bytes());
        if self.two {
            put(0, &self.order(540_i32.to_le_bytes()));
            put(4, &self.magic);
            put(8, b"\r\n\x1a\n");
            put(12, &short(self.datatype));
            put(14, &short(self.bitpix));
            for (i, n) in self.dim.iter().enumerate() {
                put(16 + 8 * i, &self.order(n.to_le_bytes()));
            }
            for (i, v) in pixdim.into_iter().enumerate() {
                put(104 + 8 * i, &double(v));
            }
            put(168, &self.order((self.offset as i64).to_le_bytes()));
            put(176, &double(self.slope));
            put(184, &double(self.inter));
            put(348, &self.order(1_i32.to_le_bytes()));
            for (i, v) in affine.into_iter().enumerate() {
                put(400 + 8 * i, &double(v));
            }
            put(500, &self.order(10_i32.to_le_bytes()));
        } else {
            put(0, &self.order(348_i32.to_le_bytes()));
            for (i, n) in self.dim.iter().enumerate() {
                put(40 + 2 * i, &short(*n as i16));
            }
            put(70, &short(self.datatype));
            put(72, &short(self.bitpix));
            for (i, v) in pixdim.into_iter().enumerate() {
                put(76 + 4 * i, &single(v));
            }
            put(108, &single(self.offset));
            put(112, &single(self.slope));
            put(116, &single(self.inter));
            put(123, &[10]);
            put(254, &short(1));
            for (i, v) in affine.into_iter().enumerate() {
                put(280 + 4 * i, &single(v));
            }
            put(344, &self.magic);
        }
        for &(name, index, value) in &self.fields {
            let field = FIELDS.into_iter().find(|(known, ..)| *known == name);
            let (_, one, two) = field.unwrap_or_else(|| panic!("no field {name}"));
            let (at, kind) = if self.two { two } else { one };
            let mut bytes = kind.little_endian(value);
            if self.big_endian {
                bytes.reverse();
            }
            put(at + index * bytes.len(), &bytes);
        }
        out
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = self.header();
        out.extend(self.voxels());
        out.extend(&self.tail);
        out
    }

    /// The two files of a pair, a header and an image whose voxels begin behind `gap`.
    pub(crate) fn halves(&self, gap: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let magic = if self.two { *b"ni2\0" } else { *b"ni1\0" };
        let header = Self { magic, offset: gap.len() as f64, ..self.clone() }.header();
        let least = if self.two { 544 } else { 352 };
        (header[..least].to_vec(), [gap, &self.voxels()].concat())
    }

    /// Writes the file; a name ending in `.gz` is compressed.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> PathBuf {
        write(folder, name, &packed(name, self.bytes()))
    }
}

/// Writes these bytes, whatever the name says; folders are made.
pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

/// The same bytes with one in the middle changed.
pub(crate) fn flipped(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let middle = out.len() / 2;
    out[middle] ^= 0x10;
    out
}

pub(crate) fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The bytes as a file of this name has them: compressed where it ends in `.gz`.
pub(crate) fn packed(name: &str, bytes: Vec<u8>) -> Vec<u8> {
    if is_gzip(name) { gzipped(&bytes) } else { bytes }
}

/// Whether a file is to be compressed, by its name.
pub(crate) fn is_gzip(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end == "gz")
}

//! Small NIfTI files, made here byte by byte.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

pub(crate) const SHAPE: [u64; 4] = [2, 1, 2, 3];

/// What a file is to be like.
#[derive(Clone, Copy, Default)]
pub(crate) struct Image {
    pub(crate) two: bool,
    pub(crate) big_endian: bool,
    pub(crate) datatype: i16,
    pub(crate) slope: f64,
    pub(crate) inter: f64,
    /// Bytes of extensions, a multiple of 16.
    pub(crate) extension: usize,
}

impl Image {
    fn put(&self, bytes: &mut [u8], at: usize, field: &[u8]) {
        let field: Vec<u8> =
            if self.big_endian { field.iter().rev().copied().collect() } else { field.to_vec() };
        bytes[at..at + field.len()].copy_from_slice(&field);
    }

    fn float(&self, bytes: &mut [u8], one: usize, two: usize, value: f64) {
        if self.two {
            self.put(bytes, two, &value.to_le_bytes());
        } else {
            self.put(bytes, one, &(value as f32).to_le_bytes());
        }
    }

    /// The file; voxels are 2 x 1 x 2 x 3 of the type.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let header = if self.two { 540 } else { 348 };
        let offset = header + 4 + self.extension;
        let mut bytes = vec![0; offset];
        let b = &mut bytes[..];
        self.put(b, 0, &(header as i32).to_le_bytes());
        let (dim_at, width) = if self.two { (16, 8) } else { (40, 2) };
        for (at, n) in [4, 2, 1, 2, 3, 1, 1, 1_i64].into_iter().enumerate() {
            self.put(b, dim_at + width * at, &n.to_le_bytes()[..width]);
        }
        for (at, size) in [1.0, 3.0, 3.0, 3.5, 2.0].into_iter().enumerate() {
            self.float(b, 76 + 4 * at, 104 + 8 * at, size);
        }
        self.float(b, 112, 176, self.slope);
        self.float(b, 116, 184, self.inter);
        let item = match self.datatype {
            2 | 256 => 1_usize,
            4 | 512 => 2,
            8 | 16 | 768 => 4,
            _ => 8,
        };
        let (type_at, bits_at) = if self.two { (12, 14) } else { (70, 72) };
        self.put(b, type_at, &self.datatype.to_le_bytes());
        self.put(b, bits_at, &(8 * item as i16).to_le_bytes());
        if self.two {
            b[4..12].copy_from_slice(b"n+2\0\r\n\x1a\n");
            self.put(b, 168, &(offset as i64).to_le_bytes());
            self.put(b, 348, &1_i32.to_le_bytes());
            self.put(b, 500, &10_i32.to_le_bytes());
        } else {
            b[344..348].copy_from_slice(b"n+1\0");
            self.put(b, 108, &(offset as f32).to_le_bytes());
            self.put(b, 254, &1_i16.to_le_bytes());
            b[123] = 10;
        }
        let rows = [[-3.0, 0.0, 0.0, 40.0], [0.0, 3.0, 0.0, -60.0], [0.0, 0.0, 3.5, -20.0]];
        for (at, value) in rows.into_iter().flatten().enumerate() {
            self.float(b, 280 + 4 * at, 400 + 8 * at, value);
        }
        if self.extension > 0 {
            b[header] = 1;
            self.put(b, header + 4, &(self.extension as i32).to_le_bytes());
            self.put(b, header + 8, &6_i32.to_le_bytes());
        }
        for i in 0..SHAPE.iter().product::<u64>() {
            let value = (i * i * 37 % 211 + 20 * i + 3).to_le_bytes();
            let mut value = value[..item].to_vec();
            if self.big_endian {
                value.reverse();
            }
            bytes.extend(value);
        }
        bytes
    }
}

/// NIfTI-1, little-endian, int16, unscaled.
pub(crate) fn plain() -> Image {
    Image { datatype: 4, slope: 1.0, ..Image::default() }
}

pub(crate) fn big_endian_scaled() -> Image {
    Image { big_endian: true, datatype: 4, slope: 0.5, inter: 10.0, ..Image::default() }
}

/// uint32, which a flipped bit turns into int8 or uint16.
pub(crate) fn nifti_2() -> Image {
    Image { two: true, datatype: 768, slope: 2.0, ..Image::default() }
}

pub(crate) fn extended() -> Image {
    Image { extension: 32, ..plain() }
}

/// One gzip member.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Two members, cut within the header.
pub(crate) fn two_members(bytes: &[u8]) -> Vec<u8> {
    let (first, second) = bytes.split_at(200);
    [gzip(first), gzip(second)].concat()
}

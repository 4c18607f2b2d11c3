//! What do an array's metadata come down to, and can it be read?
//!
//! [`Described`] is the same for both versions of Zarr; `v2` and `v3` make it of their files. Every field
//! that could change a number or its place must be understood. Opens no chunk.

use std::path::Path;

use serde_json::Value;

use super::error::{Complain, ForeignError};
use super::keys::Keys;
use crate::dtype::DType;
use crate::grid::element_count;
use crate::store::{CHUNK_LIMIT_BYTES, Step};

/// The most axes an array may have.
const MOST_AXES: usize = 16;
/// The longest index of a shard that is read.
pub(super) const INDEX_LIMIT_BYTES: u64 = 16 << 20;

/// An array; lengths and positions in the order of the disk.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Described {
    pub(super) shape: Vec<u64>,
    pub(super) dtype: DType,
    pub(super) big_endian: bool,
    pub(super) keys: Keys,
    /// Lengths of what a file holds: a chunk, or a shard of chunks.
    pub(super) file_shape: Vec<u64>,
    /// Lengths of a chunk.
    pub(super) chunk_shape: Vec<u64>,
    /// Where a file is a shard.
    pub(super) shard: Option<ShardIndex>,
    /// The axes in the memory of a chunk, slowest first.
    pub(super) order: Vec<usize>,
    /// What was done to the bytes of a chunk, in this order.
    pub(super) steps: Vec<Step>,
    /// One number in native byte order, in the place of those that were never written; `None` where
    /// nobody says which.
    pub(super) fill: Option<Vec<u8>>,
    /// Names of the axes; empty where there are none.
    pub(super) names: Vec<Option<String>>,
}

/// How the places of the chunks in a shard are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShardIndex {
    pub(super) at_start: bool,
    /// A crc32c follows it.
    pub(super) checksum: bool,
}

impl ShardIndex {
    /// Its length for so many chunks: place and length of each.
    pub(super) fn bytes(self, chunks: u64) -> u64 {
        chunks.saturating_mul(16).saturating_add(if self.checksum { 4 } else { 0 })
    }
}

impl Described {
    /// Chunks in a file, along each axis.
    pub(super) fn chunks_in_file(&self) -> Vec<u64> {
        self.file_shape.iter().zip(&self.chunk_shape).map(|(file, chunk)| file / chunk).collect()
    }

    /// Files along each axis.
    pub(super) fn file_counts(&self) -> Vec<u64> {
        self.shape.iter().zip(&self.file_shape).map(|(n, file)| n.div_ceil(*file)).collect()
    }

    /// Size of a chunk in memory.
    pub(super) fn chunk_bytes(&self) -> u64 {
        self.chunk_shape.iter().product::<u64>() * self.dtype.size() as u64
    }

    /// True where every chunk carries a checksum of its bytes; deflate's wrappers have one, too.
    pub(super) fn is_checksummed(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Crc32c | Step::Gzip | Step::Zlib))
    }

    /// The fill value in words.
    pub(super) fn fill_text(&self) -> Option<String> {
        let fill = self.fill.as_deref()?;
        let bytes = std::array::from_fn(|at| fill.get(at).copied().unwrap_or(0));
        let whole = u64::from_le_bytes(bytes);
        let unused = 64 - 8 * self.dtype.size() as u32;
        Some(match self.dtype {
            DType::F32 => f32::from_bits(whole as u32).to_string(),
            DType::F64 => f64::from_bits(whole).to_string(),
            DType::Bool => (whole != 0).to_string(),
            signed if signed.is_signed_int() => ((whole << unused) as i64 >> unused).to_string(),
            _ => whole.to_string(),
        })
    }

    /// Refuses sizes that cannot be counted, and what would take too much memory.
    pub(super) fn checked(self, file: &Path) -> Result<Self, ForeignError> {
        let complain = Complain(file);
        let item = self.dtype.size() as u64;
        let bytes = |shape: &[u64]| element_count(shape).and_then(|n| n.checked_mul(item));
        if !(1..=MOST_AXES).contains(&self.shape.len()) || self.shape.contains(&0) {
            let expected = format!("1 to {MOST_AXES} lengths of at least 1");
            return Err(complain.unsupported("shape", expected, format!("{:?}", self.shape)));
        }
        if bytes(&self.shape).is_none_or(|bytes| bytes > i64::MAX as u64) {
            return Err(complain.wrong(
                "shape",
                "an array below 8 EiB",
                format!("{:?}", self.shape),
            ));
        }
        for (what, chunk) in
            [("chunk_shape", &self.file_shape), ("chunk_shape of a shard", &self.chunk_shape)]
        {
            let fits =
                chunk.len() == self.shape.len() && !chunk.contains(&0) && bytes(chunk).is_some();
            if !fits {
                let expected = format!("{} lengths of at least 1", self.shape.len());
                return Err(complain.wrong(what, expected, format!("{chunk:?}")));
            }
        }
        if self.file_shape.iter().zip(&self.chunk_shape).any(|(file, chunk)| file % chunk != 0) {
            let expected = format!("divisors of the shard's {:?}", self.file_shape);
            let found = format!("{:?}", self.chunk_shape);
            return Err(complain.wrong("chunk_shape of a shard", expected, found));
        }
        if bytes(&self.chunk_shape).is_none_or(|bytes| bytes > CHUNK_LIMIT_BYTES) {
            let expected = format!("chunks of at most {CHUNK_LIMIT_BYTES} bytes");
            return Err(complain.unsupported(
                "chunk_shape",
                expected,
                format!("{:?}", self.chunk_shape),
            ));
        }
        let index = self.shard.map_or(0, |index| {
            index.bytes(self.chunks_in_file().iter().fold(1, |all: u64, n| all.saturating_mul(*n)))
        });
        if index > INDEX_LIMIT_BYTES {
            let expected = format!("shards with an index of at most {INDEX_LIMIT_BYTES} bytes");
            return Err(complain.unsupported(
                "sharding_indexed",
                expected,
                format!("{index} bytes"),
            ));
        }
        Ok(self)
    }
}

/// A fill value in native byte order; `None` where it is no number of this type.
pub(super) fn fill_bytes(value: &Value, dtype: DType) -> Option<Vec<u8>> {
    let whole = |bits: u32, signed: bool| -> Option<Vec<u8>> {
        let number = value.as_number()?;
        // Some writers put 0.0 where an integer belongs.
        let found = number.as_i128().or_else(|| {
            number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15).map(|f| f as i128)
        })?;
        let (least, most) = if signed {
            (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1)
        } else {
            (0, (1_i128 << bits) - 1)
        };
        let bytes = found.to_ne_bytes();
        (least..=most).contains(&found).then(|| bytes[..bits as usize / 8].to_vec())
    };
    let float = |digits: usize| -> Option<f64> {
        match value {
            Value::String(text) => match text.as_str() {
                "NaN" => Some(f64::NAN),
                "Infinity" => Some(f64::INFINITY),
                "-Infinity" => Some(f64::NEG_INFINITY),
                hex => {
                    let hex = hex.strip_prefix("0x").filter(|hex| hex.len() == digits)?;
                    let bits = u64::from_str_radix(hex, 16).ok()?;
                    Some(if digits == 8 {
                        f64::from(f32::from_bits(bits as u32))
                    } else {
                        f64::from_bits(bits)
                    })
                }
            },
            number => number.as_f64(),
        }
    };
    match dtype {
        DType::Bool => value.as_bool().map(|b| vec![u8::from(b)]).or_else(|| {
            // Zarr v2 also writes 0 and 1.
            value.as_u64().filter(|n| *n < 2).map(|n| vec![n as u8])
        }),
        DType::F32 => float(8).map(|f| (f as f32).to_ne_bytes().to_vec()),
        DType::F64 => float(16).map(|f| f.to_ne_bytes().to_vec()),
        integer => whole(integer.size() as u32 * 8, integer.is_signed_int()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::fill_bytes;
    use crate::dtype::DType;

    #[test]
    fn fill_values_are_numbers_of_their_type_or_refused() {
        let good: [(DType, Value, &[u8]); 12] = [
            (DType::Bool, json!(true), &[1]),
            (DType::Bool, json!(0), &[0]),
            (DType::U8, json!(255), &[255]),
            (DType::I8, json!(-128), &[128]),
            (DType::I16, json!(7.0), &7_i16.to_ne_bytes()),
            (DType::U64, json!(u64::MAX), &u64::MAX.to_ne_bytes()),
            (DType::I64, json!(i64::MIN), &i64::MIN.to_ne_bytes()),
            (DType::F32, json!("0xc1c80000"), &(-25_f32).to_ne_bytes()),
            (DType::F64, json!("0x4039000000000000"), &25_f64.to_ne_bytes()),
            (DType::F32, json!("-Infinity"), &f32::NEG_INFINITY.to_ne_bytes()),
            (DType::F64, json!("NaN"), &f64::NAN.to_ne_bytes()),
            (DType::F64, json!(3), &3_f64.to_ne_bytes()),
        ];
        for (dtype, value, want) in good {
            assert_eq!(fill_bytes(&value, dtype).as_deref(), Some(want), "{dtype} {value}");
        }
        for (dtype, value) in [
            (DType::Bool, json!(2)),
            (DType::U8, json!(256)),
            (DType::U8, json!(-1)),
            (DType::I16, json!(0.5)),
            (DType::I16, json!("NaN")),
            (DType::I64, json!(1e30)),
            (DType::F32, json!("0x4039000000000000")),
            (DType::F64, json!("nan")),
            (DType::F64, json!(true)),
            (DType::U8, Value::Null),
        ] {
            assert_eq!(fill_bytes(&value, dtype), None, "{dtype} {value}");
        }
    }
}

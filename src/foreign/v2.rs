//! What does the `.zarray` of an array say?

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::described::{Described, fill_bytes};
use super::error::{Complain, ForeignError};
use super::keys::Keys;
use super::node::read_json;
use crate::dtype::DType;
use crate::store::Step;

#[derive(Deserialize)]
struct ArrayFile {
    zarr_format: u64,
    shape: Vec<u64>,
    chunks: Vec<u64>,
    dtype: Value,
    compressor: Option<Map<String, Value>>,
    fill_value: Value,
    order: String,
    #[serde(default)]
    filters: Option<Vec<Value>>,
    #[serde(default)]
    dimension_separator: Option<char>,
}

/// The array that a file describes.
///
/// # Errors
/// When it is damaged, or has what is not understood.
pub(super) fn describe(file: &Path) -> Result<Described, ForeignError> {
    let complain = Complain(file);
    let content: ArrayFile = read_json(file)?;
    if content.zarr_format != 2 {
        return Err(complain.wrong("zarr_format", "2", content.zarr_format));
    }
    let Some((dtype, big_endian)) = content.dtype.as_str().and_then(number_type) else {
        let expected = "bool, 8- to 64-bit integers, float32 and float64";
        return Err(complain.unsupported("dtype", expected, content.dtype));
    };
    if content.filters.is_some_and(|filters| !filters.is_empty()) {
        return Err(complain.unsupported("filters", "none", "some"));
    }
    let steps = match &content.compressor {
        None => vec![],
        Some(compressor) => {
            let id = compressor.get("id").and_then(Value::as_str).unwrap_or("unnamed");
            let step = Step::from_name(id).filter(|step| *step != Step::Crc32c);
            let expected = "blosc, zstd, gzip and zlib";
            vec![step.ok_or_else(|| complain.unsupported("compressor", expected, id))?]
        }
    };
    let axes = 0..content.shape.len();
    let order = match content.order.as_str() {
        "C" => axes.collect(),
        "F" => axes.rev().collect(),
        other => return Err(complain.wrong("order", "C or F", other)),
    };
    let fill = match &content.fill_value {
        Value::Null => None,
        value => match fill_bytes(value, dtype) {
            None => return Err(complain.unsupported("fill_value", format!("a {dtype}"), value)),
            some => some,
        },
    };
    let separator = match content.dimension_separator.unwrap_or('.') {
        known @ ('.' | '/') => known,
        other => return Err(complain.wrong("dimension_separator", "\"/\" or \".\"", other)),
    };
    Described {
        shape: content.shape,
        dtype,
        big_endian,
        keys: Keys { prefixed: false, separator },
        chunk_shape: content.chunks.clone(),
        file_shape: content.chunks,
        shard: None,
        order,
        steps,
        fill,
        names: vec![],
    }
    .checked(file)
}

/// A type by numpy's letters, such as `<i2`, and whether it is big-endian.
fn number_type(text: &str) -> Option<(DType, bool)> {
    let mut letters = text.chars();
    let order = letters.next()?;
    let dtype = match letters.as_str() {
        "b1" => DType::Bool,
        "u1" => DType::U8,
        "i1" => DType::I8,
        "u2" => DType::U16,
        "i2" => DType::I16,
        "u4" => DType::U32,
        "i4" => DType::I32,
        "u8" => DType::U64,
        "i8" => DType::I64,
        "f4" => DType::F32,
        "f8" => DType::F64,
        _ => return None,
    };
    match order {
        '<' => Some((dtype, false)),
        '>' => Some((dtype, dtype.size() > 1)),
        '|' if dtype.size() == 1 => Some((dtype, false)),
        _ => None,
    }
}

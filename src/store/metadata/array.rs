//! What does an array's `zarr.json` say, and is it one that we write?
//!
//! [`ArrayFile`] is the file, [`StoredArray`] what it comes down to. A field or codec that we do not
//! write is refused. Whether an array agrees with its run is `open_run`'s matter.

use std::path::Path;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::NodeType;
use crate::dtype::DType;
use crate::store::codec::{Codec, Frame};
use crate::store::error::StoreError;
use crate::store::layout::SEPARATOR;

/// `zarr.json` of an array.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct ArrayFile<A = IgnoredAny> {
    zarr_format: u8,
    node_type: NodeType,
    shape: Vec<u64>,
    data_type: String,
    chunk_grid: Named<ChunkGrid>,
    chunk_key_encoding: Named<KeyEncoding>,
    fill_value: Value,
    codecs: Vec<CodecSpec>,
    pub(in crate::store) attributes: A,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dimension_names: Vec<String>,
    #[serde(default, skip_serializing)]
    storage_transformers: Vec<IgnoredAny>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Named<T> {
    name: String,
    configuration: T,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ChunkGrid {
    chunk_shape: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct KeyEncoding {
    separator: String,
}

/// The codecs we write, and so the ones we read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", content = "configuration", rename_all = "lowercase")]
enum CodecSpec {
    Bytes { endian: String },
    Blosc { cname: String, clevel: u8, shuffle: String, typesize: u64, blocksize: u64 },
    Zstd { level: i32, checksum: bool },
    Crc32c,
}

impl CodecSpec {
    /// What compresses, where something does.
    fn of(frame: Frame, dtype: DType) -> Option<Self> {
        match frame {
            Frame::None => None,
            Frame::Zstd { level } => Some(Self::Zstd { level: level.into(), checksum: false }),
            Frame::Blosc { inner, level, block_bytes } => Some(Self::Blosc {
                cname: inner.name().to_owned(),
                clevel: level,
                shuffle: "bitshuffle".to_owned(),
                typesize: dtype.size() as u64,
                blocksize: block_bytes.into(),
            }),
        }
    }

    /// True where a decoder of the one takes frames of the other: how they were made does not matter.
    fn reads(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Blosc { cname, typesize, .. },
                Self::Blosc { cname: other_cname, typesize: other_typesize, .. },
            ) => (cname, typesize) == (other_cname, other_typesize),
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// Attributes of an array, all for other tools: `scale_factor` and `add_offset` are applied by
/// xarray.
#[derive(Clone, Debug, Default, Serialize)]
pub(in crate::store) struct ArrayAttributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) long_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) units: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) scale_factor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) add_offset: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) comment: Option<&'static str>,
}

/// What an array's metadata comes down to; lengths in the order of the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct StoredArray {
    pub(in crate::store) shape: Vec<u64>,
    pub(in crate::store) chunk_shape: Vec<u64>,
    pub(in crate::store) dtype: DType,
    /// `None`: not even a checksum, as in the header's array.
    pub(in crate::store) codec: Option<Codec>,
    /// Empty where the axes have no names.
    pub(in crate::store) dimension_names: Vec<String>,
}

impl StoredArray {
    /// The file that says so.
    pub(in crate::store) fn to_file<A>(&self, attributes: A) -> ArrayFile<A> {
        ArrayFile {
            zarr_format: 3,
            node_type: NodeType::Array,
            shape: self.shape.clone(),
            data_type: self.dtype.name().to_owned(),
            chunk_grid: Named {
                name: "regular".to_owned(),
                configuration: ChunkGrid { chunk_shape: self.chunk_shape.clone() },
            },
            chunk_key_encoding: Named {
                name: "default".to_owned(),
                configuration: KeyEncoding { separator: SEPARATOR.to_owned() },
            },
            fill_value: match self.dtype {
                DType::Bool => false.into(),
                DType::F32 | DType::F64 => "NaN".into(),
                _ => 0.into(),
            },
            codecs: self.codec_specs(),
            attributes,
            dimension_names: self.dimension_names.clone(),
            storage_transformers: vec![],
        }
    }

    fn codec_specs(&self) -> Vec<CodecSpec> {
        let mut specs = vec![CodecSpec::Bytes { endian: "little".to_owned() }];
        if let Some(codec) = self.codec {
            specs.extend(CodecSpec::of(codec.frame(), self.dtype));
            specs.push(CodecSpec::Crc32c);
        }
        specs
    }

    /// Reads a file's facts back.
    ///
    /// # Errors
    /// When it is not an array as we write them: every field must be one we understand.
    pub(in crate::store) fn from_file<A>(
        path: &Path,
        file: &ArrayFile<A>,
    ) -> Result<Self, StoreError> {
        let bad = |field: &str, expected: &str, found: String| {
            Err(StoreError::metadata(path, field, expected, found))
        };
        if (file.zarr_format, file.node_type) != (3, NodeType::Array) {
            let found = format!("{:?} of format {}", file.node_type, file.zarr_format);
            return bad("node_type", "an array of Zarr format 3", found);
        }
        let Some(dtype) = DType::from_name(&file.data_type) else {
            return bad("data_type", "a number type of voxstore", file.data_type.clone());
        };
        if file.chunk_grid.name != "regular" {
            return bad("chunk_grid", "regular", file.chunk_grid.name.clone());
        }
        let keys = &file.chunk_key_encoding;
        if (keys.name.as_str(), keys.configuration.separator.as_str()) != ("default", SEPARATOR) {
            return bad("chunk_key_encoding", "default with separator \".\"", format!("{keys:?}"));
        }
        if !file.storage_transformers.is_empty() {
            return bad("storage_transformers", "none", "some".to_owned());
        }
        let Some(codec) = known_codec(&file.codecs, dtype) else {
            return bad("codecs", "a chain that voxstore writes", format!("{:?}", file.codecs));
        };
        Ok(Self {
            shape: file.shape.clone(),
            chunk_shape: file.chunk_grid.configuration.chunk_shape.clone(),
            dtype,
            codec,
            dimension_names: file.dimension_names.clone(),
        })
    }
}

/// The codec of a chain: `Some(None)` for bare bytes, `None` for a chain we do not know.
#[expect(clippy::option_option, reason = "known or not, and of those checksummed or not")]
fn known_codec(specs: &[CodecSpec], dtype: DType) -> Option<Option<Codec>> {
    let (CodecSpec::Bytes { endian }, rest) = specs.split_first()? else { return None };
    if endian != "little" {
        return None;
    }
    let Some((last, middle)) = rest.split_last() else { return Some(None) };
    if *last != CodecSpec::Crc32c {
        return None;
    }
    let compressor = match middle {
        [] => None,
        [one] => Some(one),
        _ => return None,
    };
    let written = |codec: Codec| CodecSpec::of(codec.frame(), dtype);
    // Of codecs that differ in how hard they try, any reads what another wrote.
    let same = |codec: &Codec| written(*codec).as_ref() == compressor;
    let alike = |codec: &Codec| match (written(*codec), compressor) {
        (None, None) => true,
        (Some(ours), Some(theirs)) => ours.reads(theirs),
        _ => false,
    };
    let found = Codec::ALL.into_iter().find(same);
    found.or_else(|| Codec::ALL.into_iter().find(alike)).map(Some)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ArrayFile, StoredArray};
    use crate::dtype::DType;
    use crate::store::codec::Codec;

    fn array(dtype: DType, codec: Option<Codec>) -> StoredArray {
        StoredArray {
            shape: vec![5, 3],
            chunk_shape: vec![2, 3],
            dtype,
            codec,
            dimension_names: vec!["t".into(), "z".into()],
        }
    }

    fn read(text: &str) -> Option<StoredArray> {
        let file: ArrayFile = serde_json::from_str(text).ok()?;
        StoredArray::from_file(Path::new("zarr.json"), &file).ok()
    }

    #[test]
    fn every_type_and_codec_reads_back() {
        for dtype in DType::ALL {
            for codec in Codec::ALL.into_iter().map(Some).chain([None]) {
                let want = array(dtype, codec);
                let text = serde_json::to_string(&want.to_file(super::super::NoAttributes {}));
                assert_eq!(read(&text.unwrap()), Some(want));
            }
        }
    }

    #[test]
    fn what_could_change_a_voxel_unseen_is_refused() {
        let file = array(DType::I16, Some(Codec::Zstd)).to_file(super::super::NoAttributes {});
        let good = serde_json::to_string(&file).unwrap();
        assert!(read(&good).is_some());
        for (from, to) in [
            ("\"little\"", "\"big\""),
            ("\"regular\"", "\"rectilinear\""),
            ("\"int16\"", "\"float16\""),
            ("\"separator\":\".\"", "\"separator\":\"/\""),
            (
                "{\"name\":\"crc32c\"}",
                "{\"name\":\"zstd\",\"configuration\":{\"level\":1,\"checksum\":false}}",
            ),
            ("{\"name\":\"zstd\"", "{\"name\":\"gzip\""),
            ("\"zarr_format\":3", "\"zarr_format\":2"),
            ("\"attributes\"", "\"extension\":{},\"attributes\""),
            ("\"shape\":[5,3]", "\"shape\":[5,-3]"),
        ] {
            assert!(good.contains(from), "{from}");
            assert_eq!(read(&good.replace(from, to)), None, "{to}");
        }
    }
}

//! What does the `zarr.json` of an array say?

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::described::{Described, ShardIndex, fill_bytes};
use super::error::{Complain, ForeignError};
use super::keys::Keys;
use crate::dtype::DType;
use crate::store::Step;

#[derive(Deserialize)]
struct ArrayFile {
    shape: Vec<u64>,
    data_type: Value,
    chunk_grid: Named,
    chunk_key_encoding: Named,
    fill_value: Value,
    codecs: Vec<Named>,
    #[serde(default)]
    dimension_names: Option<Vec<Option<String>>>,
    #[serde(default)]
    storage_transformers: Vec<Value>,
    /// `zarr_format` and `node_type` were looked at before.
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// An extension point: a name and its settings, or the name alone.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Named {
    Bare(String),
    With {
        name: String,
        #[serde(default)]
        configuration: Map<String, Value>,
    },
}

impl Named {
    fn name(&self) -> &str {
        match self {
            Self::Bare(name) | Self::With { name, .. } => name,
        }
    }

    fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Bare(_) => None,
            Self::With { configuration, .. } => configuration.get(key),
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.as_str()
    }

    fn lengths(&self, key: &str) -> Option<Vec<u64>> {
        self.get(key)?.as_array()?.iter().map(Value::as_u64).collect()
    }
}

/// Fields that may be there and change no number.
const HARMLESS: [&str; 4] = ["zarr_format", "node_type", "attributes", "consolidated_metadata"];

/// The array that a file describes.
///
/// # Errors
/// When it is damaged, or has what is not understood.
pub(super) fn describe(file: &Path) -> Result<Described, ForeignError> {
    let complain = Complain(file);
    let content: ArrayFile = super::node::read_json(file)?;
    let optional = |value: &Value| value.get("must_understand") == Some(&Value::Bool(false));
    let strange =
        |(name, value): &(&String, &Value)| !HARMLESS.contains(&name.as_str()) && !optional(value);
    if let Some((name, _)) = content.more.iter().find(strange) {
        return Err(complain.unsupported("a field", "those of Zarr 3.0", format!("{name:?}")));
    }
    if !content.storage_transformers.is_empty() {
        return Err(complain.unsupported("storage_transformers", "none", "some"));
    }
    let dtype = content.data_type.as_str().and_then(DType::from_name);
    let Some(dtype) = dtype else {
        let expected = "bool, 8- to 64-bit integers, float32 and float64";
        return Err(complain.unsupported("data_type", expected, content.data_type));
    };
    if content.chunk_grid.name() != "regular" {
        return Err(complain.unsupported("chunk_grid", "regular ones", content.chunk_grid.name()));
    }
    let Some(file_shape) = content.chunk_grid.lengths("chunk_shape") else {
        return Err(complain.wrong("chunk_grid", "a chunk_shape of whole numbers", "none"));
    };
    let Some(fill) = fill_bytes(&content.fill_value, dtype) else {
        return Err(complain.unsupported("fill_value", format!("a {dtype}"), content.fill_value));
    };
    let chain = Chain::of(&content.codecs, &file_shape, dtype, complain)?;
    Described {
        names: names(content.dimension_names, content.shape.len(), complain)?,
        shape: content.shape,
        dtype,
        big_endian: chain.big_endian,
        keys: keys(&content.chunk_key_encoding, complain)?,
        chunk_shape: chain.chunk_shape.unwrap_or_else(|| file_shape.clone()),
        file_shape,
        shard: chain.shard,
        order: chain.order,
        steps: chain.steps,
        fill: Some(fill),
    }
    .checked(file)
}

fn names(
    names: Option<Vec<Option<String>>>,
    axes: usize,
    complain: Complain<'_>,
) -> Result<Vec<Option<String>>, ForeignError> {
    match names {
        None => Ok(vec![]),
        Some(names) if names.len() == axes => Ok(names),
        Some(names) => {
            Err(complain.wrong("dimension_names", format!("{axes} of them"), format!("{names:?}")))
        }
    }
}

fn keys(encoding: &Named, complain: Complain<'_>) -> Result<Keys, ForeignError> {
    let (prefixed, usual) = match encoding.name() {
        "default" => (true, "/"),
        "v2" => (false, "."),
        other => return Err(complain.unsupported("chunk_key_encoding", "default and v2", other)),
    };
    match encoding.text("separator").unwrap_or(usual) {
        "/" => Ok(Keys { prefixed, separator: '/' }),
        "." => Ok(Keys { prefixed, separator: '.' }),
        other => Err(complain.wrong("chunk_key_encoding", "separator \"/\" or \".\"", other)),
    }
}

/// What a list of codecs comes down to.
#[derive(Default)]
struct Chain {
    order: Vec<usize>,
    big_endian: bool,
    steps: Vec<Step>,
    shard: Option<ShardIndex>,
    /// Inside of shards.
    chunk_shape: Option<Vec<u64>>,
}

impl Chain {
    fn of(
        codecs: &[Named],
        shape: &[u64],
        dtype: DType,
        complain: Complain<'_>,
    ) -> Result<Self, ForeignError> {
        if let [shards] = codecs
            && shards.name() == "sharding_indexed"
        {
            return Self::of_shards(shards, shape, dtype, complain);
        }
        let refused = |codec: &Named| {
            let expected = "transpose, bytes, blosc, zstd, gzip and crc32c, or these in shards, in an order \
                that Zarr allows";
            let all: Vec<&str> = codecs.iter().map(Named::name).collect();
            complain.unsupported("codecs", expected, format!("{} in {all:?}", codec.name()))
        };
        let mut chain = Self { order: (0..shape.len()).collect(), ..Self::default() };
        let mut are_bytes = false;
        for codec in codecs {
            match (codec.name(), are_bytes) {
                ("transpose", false) => {
                    let order = permutation(codec, shape.len()).ok_or_else(|| {
                        let expected = format!("an order of {} axes", shape.len());
                        complain.wrong("transpose", expected, format!("{:?}", codec.get("order")))
                    })?;
                    chain.order = order.into_iter().map(|axis| chain.order[axis]).collect();
                }
                ("bytes", false) => {
                    are_bytes = true;
                    chain.big_endian = match codec.text("endian") {
                        Some("little") => false,
                        Some("big") => true,
                        None if dtype.size() == 1 => false,
                        found => {
                            let found = format!("{found:?}");
                            return Err(complain.wrong("bytes", "an endian, little or big", found));
                        }
                    };
                }
                (name, true) => {
                    chain.steps.push(step(name).ok_or_else(|| refused(codec))?);
                }
                _ => return Err(refused(codec)),
            }
        }
        if !are_bytes {
            return Err(complain.wrong("codecs", "one that makes bytes of numbers", "none"));
        }
        Ok(chain)
    }

    fn of_shards(
        shards: &Named,
        shape: &[u64],
        dtype: DType,
        complain: Complain<'_>,
    ) -> Result<Self, ForeignError> {
        let field = "sharding_indexed";
        let codecs =
            |key| -> Option<Vec<Named>> { serde_json::from_value(shards.get(key)?.clone()).ok() };
        let (Some(chunk_shape), Some(inner), Some(index)) =
            (shards.lengths("chunk_shape"), codecs("codecs"), codecs("index_codecs"))
        else {
            return Err(complain.wrong(field, "chunk_shape, codecs and index_codecs", "less"));
        };
        if inner.iter().any(|codec| codec.name() == field) {
            return Err(complain.unsupported(field, "shards of chunks", "shards of shards"));
        }
        let at_start = match shards.text("index_location").unwrap_or("end") {
            "start" => true,
            "end" => false,
            other => return Err(complain.wrong("index_location", "start or end", other)),
        };
        let names: Vec<&str> = index.iter().map(Named::name).collect();
        let little = index.first().is_some_and(|bytes| bytes.text("endian") == Some("little"));
        let checksum = match names[..] {
            ["bytes"] if little => false,
            ["bytes", "crc32c"] if little => true,
            _ => {
                let expected = "little-endian bytes, with crc32c or without";
                return Err(complain.unsupported("index_codecs", expected, format!("{names:?}")));
            }
        };
        let shape = if chunk_shape.len() == shape.len() { &chunk_shape } else { shape };
        let chain = Self::of(&inner, shape, dtype, complain)?;
        let shard = Some(ShardIndex { at_start, checksum });
        Ok(Self { shard, chunk_shape: Some(chunk_shape), ..chain })
    }
}

/// The step of a codec; numcodecs has the same compressors under names of its own, and another crc32c.
fn step(name: &str) -> Option<Step> {
    match name.strip_prefix("numcodecs.") {
        Some(name) => Step::from_name(name).filter(|step| *step != Step::Crc32c),
        None => Step::from_name(name).filter(|step| *step != Step::Zlib),
    }
}

/// Which axis of the array each axis of what is stored is.
fn permutation(codec: &Named, axes: usize) -> Option<Vec<usize>> {
    let order = match codec.get("order")? {
        Value::String(text) if text == "C" => (0..axes).collect(),
        Value::String(text) if text == "F" => (0..axes).rev().collect(),
        _ => codec.lengths("order")?.into_iter().map(|axis| axis as usize).collect::<Vec<_>>(),
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    sorted.into_iter().eq(0..axes).then_some(order)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::{Chain, Complain, Named};
    use crate::dtype::DType;
    use crate::store::Step;

    fn chain(codecs: &Value) -> Option<Chain> {
        let codecs: Vec<Named> = serde_json::from_value(codecs.clone()).unwrap();
        Chain::of(&codecs, &[2, 3, 4], DType::I16, Complain(Path::new("zarr.json"))).ok()
    }

    fn transpose(order: &Value) -> Value {
        json!({"name": "transpose", "configuration": {"order": order}})
    }

    #[test]
    fn transposes_follow_each_other() {
        let bytes = json!({"name": "bytes", "configuration": {"endian": "big"}});
        let order = |list: &[Value]| {
            let all: Vec<Value> = list.iter().map(transpose).chain([bytes.clone()]).collect();
            chain(&json!(all)).map(|chain| chain.order)
        };
        assert_eq!(order(&[]), Some(vec![0, 1, 2]));
        assert_eq!(order(&[json!([1, 2, 0])]), Some(vec![1, 2, 0]));
        assert_eq!(order(&[json!([1, 2, 0]), json!([1, 0, 2])]), Some(vec![2, 1, 0]));
        assert_eq!(order(&[json!("F")]), Some(vec![2, 1, 0]));
        for wrong in
            [json!([0, 1]), json!([0, 1, 1]), json!([0, 1, 3]), json!([0, -1, 2]), json!("T")]
        {
            assert_eq!(order(std::slice::from_ref(&wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn names_of_codecs_are_taken_with_and_without_settings() {
        let bytes = json!({"name": "bytes", "configuration": {"endian": "little"}});
        let steps = |codecs: &[Value]| {
            let all: Vec<&Value> = [&bytes].into_iter().chain(codecs).collect();
            chain(&json!(all)).map(|chain| chain.steps)
        };
        assert_eq!(steps(&[json!("crc32c")]), Some(vec![Step::Crc32c]));
        assert_eq!(steps(&[json!({"name": "numcodecs.zlib"})]), Some(vec![Step::Zlib]));
        for wrong in ["numcodecs.crc32c", "numcodecs.shuffle", "zlib", "transpose", "bytes"] {
            assert_eq!(steps(&[json!(wrong)]), None, "{wrong}");
        }
        assert!(chain(&json!(["gzip", bytes])).is_none());
    }
}

//! `fixtures/numpy/cases.json`; its README says what is in it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use voxstore::DType;

#[derive(Deserialize)]
pub(crate) struct Oracle {
    pub(crate) inputs: BTreeMap<String, Numbers>,
    pub(crate) cases: Vec<Case>,
    pub(crate) refusals: Vec<Refusal>,
}

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) tree: Tree,
    #[serde(default)]
    pub(crate) within: Within,
    #[serde(flatten)]
    pub(crate) numpy: Numbers,
}

#[derive(Deserialize)]
pub(crate) struct Refusal {
    /// What the message names.
    pub(crate) names: Vec<String>,
    pub(crate) tree: Tree,
    /// The exception that numpy raises; `None` where numpy gives a wrong number.
    pub(crate) numpy: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum Tree {
    Bool(bool),
    Int(i64),
    Float(f64),
    Input(String),
    Node(Node),
}

#[derive(Deserialize, Serialize)]
pub(crate) struct Node {
    pub(crate) op: String,
    #[serde(default)]
    pub(crate) args: Vec<Tree>,
    #[serde(flatten)]
    pub(crate) parameters: Map<String, Value>,
}

/// How near an answer must be; by default it has the same bits.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Within {
    #[default]
    Bits,
    /// Units in the last place; either zero is the other.
    Ulp(f64),
    Relative(f64),
    /// Relative to the largest number of the result.
    OfLargest(f64),
}

/// An array in C order.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Numbers {
    #[serde(deserialize_with = "dtype")]
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<u64>,
    pub(crate) data: Vec<Value>,
}

fn dtype<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<DType, D::Error> {
    let name = String::deserialize(deserializer)?;
    DType::from_name(&name).ok_or_else(|| serde::de::Error::custom(format!("dtype {name}")))
}

impl Oracle {
    pub(crate) fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/numpy/cases.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }
}

impl Tree {
    /// As it stands in the file.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).unwrap()
    }

    /// Calls `f` with the name of every operation.
    pub(crate) fn each_op<'a>(&'a self, f: &mut impl FnMut(&'a str)) {
        if let Self::Node(node) = self {
            f(&node.op);
            node.args.iter().for_each(|arg| arg.each_op(f));
        }
    }
}

/// A float of the file, which JSON has no word for where it is not finite.
pub(crate) fn float(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.parse().unwrap(),
        number => number.as_f64().unwrap(),
    }
}

/// An integer of the file; a bool is 0 or 1.
pub(crate) fn int(value: &Value) -> i128 {
    match value {
        Value::Bool(bit) => i128::from(*bit),
        number => {
            let signed = number.as_i64().map(i128::from);
            signed.or_else(|| number.as_u64().map(i128::from)).unwrap()
        }
    }
}

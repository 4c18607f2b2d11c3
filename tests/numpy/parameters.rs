//! Parameters of a node, as the types that methods take.

use serde_json::{Map, Value};
use voxstore::DType;

pub(crate) struct Parameters<'a>(pub(crate) &'a Map<String, Value>);

impl Parameters<'_> {
    /// What is left out is null.
    pub(crate) fn value(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    pub(crate) fn int(&self, name: &str) -> i64 {
        self.value(name).as_i64().unwrap_or_else(|| panic!("{name} is no integer"))
    }

    pub(crate) fn float(&self, name: &str) -> f64 {
        self.value(name).as_f64().unwrap_or_else(|| panic!("{name} is no number"))
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.value(name).as_bool().unwrap_or(false)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.value(name).as_str()
    }

    pub(crate) fn list(&self, name: &str) -> &[Value] {
        self.value(name).as_array().unwrap_or_else(|| panic!("{name} is no list"))
    }

    pub(crate) fn axis(&self, name: &str) -> isize {
        self.int(name) as isize
    }

    pub(crate) fn indices(&self, name: &str) -> Vec<isize> {
        self.list(name).iter().map(|n| n.as_i64().unwrap() as isize).collect()
    }

    pub(crate) fn lengths(&self, name: &str) -> Vec<u64> {
        self.list(name).iter().map(|n| n.as_u64().unwrap()).collect()
    }

    pub(crate) fn floats(&self, name: &str) -> Vec<f64> {
        self.list(name).iter().map(|n| n.as_f64().unwrap()).collect()
    }

    pub(crate) fn dtype(&self) -> DType {
        DType::from_name(self.text("dtype").unwrap()).unwrap()
    }
}

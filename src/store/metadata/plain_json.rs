//! How is JSON written so that equal facts are equal bytes?
//!
//! Keys in order, every number as a float, no spaces, a comma after each item: for digests, not to be read
//! back. Borrows what it writes: a sidecar may be large.

use serde_json::{Map, Value};

/// Puts a value behind the text.
pub(super) fn put(value: &Value, text: &mut Vec<u8>) {
    match value {
        Value::Number(number) => {
            text.extend(number.as_f64().map_or(number.to_string(), |n| format!("{n:?}")).bytes());
        }
        Value::Array(items) => {
            text.push(b'[');
            for item in items {
                put(item, text);
                text.push(b',');
            }
            text.push(b']');
        }
        Value::Object(fields) => put_object(fields, text),
        other => text.extend(other.to_string().bytes()),
    }
}

/// The same, of an object.
pub(super) fn put_object(fields: &Map<String, Value>, text: &mut Vec<u8>) {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| *name);
    text.push(b'{');
    for (name, field) in fields {
        text.extend(Value::from(name.as_str()).to_string().bytes());
        text.push(b':');
        put(field, text);
        text.push(b',');
    }
    text.push(b'}');
}

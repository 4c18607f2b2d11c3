//! When are two lists of numbers the same? When their bits are: then what they are parameters of
//! is the same, NaN and signed zeros included. Orders nothing and computes nothing.

use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// Floats that are compared and hashed by their bits.
#[derive(Clone, Debug)]
pub(super) struct Bits(pub(super) Arc<[f64]>);

impl Bits {
    fn words(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().map(|v| v.to_bits())
    }
}

impl Deref for Bits {
    type Target = [f64];
    fn deref(&self) -> &[f64] {
        &self.0
    }
}

impl PartialEq for Bits {
    fn eq(&self, other: &Self) -> bool {
        self.words().eq(other.words())
    }
}

impl Eq for Bits {}

impl Hash for Bits {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.len().hash(state);
        self.words().for_each(|word| word.hash(state));
    }
}

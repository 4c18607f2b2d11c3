//! How does a plan look, and how does an array?
//!
//! [`Explanation`] is a plan as plain data; it writes itself as text, JSON, DOT and SVG. The chunk
//! picture shows an array and its blocks. Everything is drawn from numbers and names: nothing here
//! knows expressions, plans or sources, runs a program, or reads a file. The same data give the same
//! bytes.

mod alike;
mod canvas;
mod cards;
mod chunks;
mod colours;
mod cuboid;
mod dot;
mod explanation;
mod folded;
mod heights;
mod label;
mod layers;
mod memory_bar;
mod plan_svg;
#[cfg(test)]
mod testing;
mod text;
mod tree;

pub(crate) use chunks::chunks_svg;
pub use explanation::{
    ExplainNode, ExplainPass, ExplainSource, ExplainState, Explanation, NodeKind, Summary,
};

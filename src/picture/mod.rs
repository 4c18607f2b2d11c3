//! How does a plan look, and how does an array?
//!
//! [`Explanation`] is a plan as plain data; it writes itself as text, JSON, DOT and SVG. The chunk
//! picture shows an array and its blocks. A report's pictures (`mosaic`, `comparison`, `ridges`, `courses`, `dots`)
//! are laid out once, as a `drawing`, and become SVG or PNG. Everything is drawn from numbers and names: nothing here
//! knows expressions, plans or sources, runs a program, or reads a file. The same data give the same
//! bytes.

mod alike;
mod canvas;
mod cards;
mod chunks;
mod colour_maps;
mod colours;
mod comparison;
mod courses;
mod cuboid;
mod dot;
mod dots;
mod drawing;
mod explanation;
mod folded;
mod heights;
mod indexed;
mod label;
mod layers;
mod memory_bar;
mod mosaic;
mod placement;
mod plan_svg;
mod ridges;
#[cfg(test)]
mod testing;
mod text;
mod tree;

pub(crate) use chunks::chunks_svg;
pub(crate) use colour_maps::{ColourMap, Scale};
pub(crate) use comparison::{RunSlices, comparison};
pub(crate) use courses::{
    Course, Raster, carpet, carpet_scale, farthest_of, mean_of, slices_by_time, spike_scale,
    volumes_a_column,
};
pub(crate) use dots::{Dot, dots};
pub(crate) use drawing::Drawing;
pub use explanation::{
    ExplainNode, ExplainPass, ExplainSource, ExplainState, Explanation, NodeKind, Summary,
};
pub(crate) use label::distinct_parts;
pub(crate) use mosaic::{Tiles, drawing_room_bytes, mosaic};
pub(crate) use placement::Placement;
pub(crate) use ridges::{Ridge, axis_end, counts_of, ridges};

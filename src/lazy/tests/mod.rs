//! Views and what becomes of them, against plain index arithmetic.

mod pushdown;
mod random;
mod view;

pub(crate) use random::Dice;

//! Lazy arrays against numpy: the expressions of `fixtures/numpy/cases.json`, built with the public
//! API, give the types, shapes and numbers that numpy gave; what numpy refuses is an error.
//!
//! Each is computed from arrays in memory and, for the same bits, from small blocks on one thread
//! and, many at once, on two.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

#[path = "numpy/build.rs"]
mod build;
#[path = "numpy/compare.rs"]
mod compare;
#[path = "numpy/compute.rs"]
mod compute;
#[path = "numpy/expressions.rs"]
mod expressions;
#[path = "numpy/file.rs"]
mod file;
#[path = "numpy/inputs.rs"]
mod inputs;
#[path = "numpy/parameters.rs"]
mod parameters;
#[path = "numpy/reduce.rs"]
mod reduce;
#[path = "numpy/refusals.rs"]
mod refusals;
#[path = "numpy/source.rs"]
mod source;

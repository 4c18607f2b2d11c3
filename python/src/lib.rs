//! What does Python see of voxstore?
//!
//! Handles of arrays, runs and stores, and what is computed from them. As thin as it can be: numpy's rules are
//! in the library, names and defaults of arguments in `python/voxstore/*.py`, which wraps what is here.

mod array;
mod compute;
mod delayed;
mod errors;
mod ingest;
mod open;
mod tsnr;
mod work;
mod write;

/// The part of voxstore that is written in Rust.
#[pyo3::pymodule]
mod _voxstore {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::array::{Array, arange, concatenate, from_numpy, stack, where_};
    #[pymodule_export]
    use crate::compute::{Explanation, compute, compute_into, explain};
    #[pymodule_export]
    use crate::delayed::from_delayed;
    #[pymodule_export]
    use crate::ingest::ingest;
    #[pymodule_export]
    use crate::open::{Run, Store, open};
    #[pymodule_export]
    use crate::tsnr::shards::{explain_tsnr_part, merge_tsnr, tsnr_part};
    #[pymodule_export]
    use crate::tsnr::tsnr;
    #[pymodule_export]
    use crate::write::{write, write_map};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

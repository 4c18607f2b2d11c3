//! Which codec? Size, encoding, decoding and reads of each, on real runs, beside the inflater.
//!
//! ```text
//! cargo bench --bench codecs -- [--write] [--rounds N] [FOLDER...]
//! ```
//!
//! Real runs are those of `../shared/data`, or of the folder that `VOXSTORE_SHARED_DATA` names. Each `FOLDER`
//! of `.nii.gz` or `.nii` (made runs of HCP's shape) is one more set, which counts in no sum. `--write`
//! puts the report into `docs/benchmarks/codecs.md`. Plain files and stores need about four times the
//! voxels of a set in the folder for temporary files (`TMPDIR`).

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark")]

use voxstore::store::Codec;

#[path = "../alone/mod.rs"]
mod alone;
#[path = "../machine/mod.rs"]
mod machine;
mod measure;
#[path = "../../tests/files/real.rs"]
mod real;
mod report;
mod sets;

/// `auto` first, which is the default.
const CHOICES: [Option<Codec>; 5] =
    [None, Some(Codec::BloscZstd), Some(Codec::Zstd), Some(Codec::BloscLz4), Some(Codec::Raw)];

fn main() {
    let machine::Asked { write, rounds, folders } = machine::Asked::from_args();
    let real = real::data("the real sets").map_or(Vec::new(), |data| sets::real(&data));
    let made = folders.iter().map(|folder| sets::made(folder));
    let mut measured = Vec::new();
    for set in real.into_iter().chain(made) {
        println!("{} ...", set.name);
        measured.push(measure::set(&set, &CHOICES, rounds));
    }
    let text = report::text(&measured, rounds);
    println!("\n{text}");
    if write {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/benchmarks/codecs.md");
        std::fs::write(path, text).unwrap();
    }
}

//! Arguments, one a line, through the program's own parser; sizes, patterns and what `reduce` makes of its
//! arguments are tried as well. Nothing is computed or written.
#![no_main]
#![allow(dead_code, unused_imports, reason = "the program needs more of its modules")]

#[path = "../../src/bin/voxstore/args/mod.rs"]
mod args;
#[path = "../../src/bin/voxstore/bar.rs"]
mod bar;
#[path = "../../src/bin/voxstore/chosen.rs"]
mod chosen;
#[path = "../../tests/hostile/claim.rs"]
mod claim;
#[path = "../../tests/hostile/common.rs"]
mod common;
#[path = "../../src/bin/voxstore/exit.rs"]
mod exit;
#[path = "../../src/bin/voxstore/cmd/reduce/expression.rs"]
mod expression;
#[path = "../../src/bin/voxstore/hint.rs"]
mod hint;
#[path = "../../tests/hostile/image.rs"]
mod image;
#[path = "../../src/bin/voxstore/inputs.rs"]
mod inputs;
#[path = "../../src/bin/voxstore/output.rs"]
mod output;
#[path = "../../src/bin/voxstore/cmd/reduce/request.rs"]
mod request;
#[path = "../../src/bin/voxstore/signals.rs"]
mod signals;

/// What is said to people goes nowhere.
mod render {
    pub(crate) fn say(_: &str) {}
}

use std::cell::OnceCell;
use std::path::PathBuf;

use clap::Parser as _;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use voxstore::store::{Codec, Store, open};
use voxstore::{Session, nifti, store};

use crate::args::{Cli, Command, ExplainJob, ReduceWhat};
use crate::expression::Expression;
use crate::request::Request;

struct Place {
    _folder: TempDir,
    file: PathBuf,
    store: Store,
}

thread_local! {
    static PLACE: OnceCell<Place> = const { OnceCell::new() };
}

fn place() -> Place {
    let folder = common::folder();
    let store = open(common::store_in(folder.path(), Codec::Raw)).unwrap();
    Place { file: folder.path().join("x.nii"), store, _folder: folder }
}

/// Plans a reduction of the one file there is, whatever inputs were named.
fn plan(place: &Place, what: &mut ReduceWhat, output: Option<PathBuf>) {
    what.inputs = vec![place.file.clone()];
    what.mask = what.mask.take().map(|_| place.file.clone());
    what.runs.globs.clear();
    let Ok(request) = Request::of(what) else { return };
    let _ = request.target(output.as_deref());
    let _ = (request.op_name(), request.result_axes());
    if let Ok(expression) = Expression::of(&request) {
        let _ = common::session().explain(&[&expression.array]).map(|plan| plan.text());
    }
}

fn run(place: &Place, text: &str) {
    for line in text.lines() {
        let _ = Session::builder().memory(line).build();
    }
    let arguments = std::iter::once("voxstore").chain(text.lines());
    let Ok(cli) = Cli::try_parse_from(arguments) else { return };
    match cli.command {
        Command::Reduce(mut args) => plan(place, &mut args.what, args.output),
        Command::Explain(args) => {
            if let ExplainJob::Reduce(mut job) = args.job {
                plan(place, &mut job.what, job.how.output);
            }
        }
        Command::Tsnr(args) => drop(place.store.select(&args.what.runs.globs)),
        Command::Qc(args) => drop(place.store.select(&args.runs.globs)),
        Command::Report(args) => drop(place.store.select(&args.runs.globs)),
        Command::Bids(args) => drop(args.filter()),
        Command::Export(args) => drop(place.store.select(&args.runs.globs)),
        Command::Verify(args) => drop(place.store.select(&args.runs.globs)),
        Command::Ingest(args) => {
            let chunk = args.chunk.map(|(t, z)| store::ChunkLengths { t, z });
            let options = store::IngestOptions { codec: args.codec.0, chunk, ..Default::default() };
            let run = nifti::open(&place.file).unwrap();
            let target = place.file.with_extension("zarr");
            let _ = store::ingest(&[run], &target, &options, &common::session());
            let _ = std::fs::remove_dir_all(&target);
        }
        Command::Stats(_) | Command::Info(_) | Command::Diff(_) | Command::Merge(_) => {}
        Command::Completions(_) | Command::Man(_) => {}
    }
}

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input) {
        PLACE.with(|cell| run(cell.get_or_init(place), text));
    }
});

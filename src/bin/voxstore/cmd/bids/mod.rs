//! `voxstore bids`

mod derivatives;
mod filter_file;
mod group;
mod participant;
mod sidecar;

use anyhow::{Result, bail};

use crate::args::{BidsArgs, Level};
use crate::exit::Done;

/// What a map shows, as its name says it.
const STAT: (&str, &str) = ("stat", "tsnr");
/// What the maps beside it show.
const MEAN: &str = "mean";
const STD: &str = "std";
/// The suffix of the runs, and that of their maps.
const SUFFIX: &str = "bold";
const MAP_SUFFIX: &str = "boldmap";

pub(crate) fn run(args: &BidsArgs) -> Result<Done> {
    let read = if args.level == Level::Group { &args.output } else { &args.dataset };
    if !read.exists() {
        bail!("{}: no such folder; check the path", read.display());
    }
    match args.level {
        Level::Participant => participant::run(args),
        Level::Group => group::run(args),
    }
}

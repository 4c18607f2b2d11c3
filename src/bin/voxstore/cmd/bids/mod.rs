//! `voxstore bids`

mod derivatives;
mod group;
mod participant;
mod sidecar;

use anyhow::Result;

use crate::args::{BidsArgs, Level};
use crate::exit::Done;

/// What a map shows, as its name says it.
const STAT: (&str, &str) = ("stat", "tsnr");
/// The suffix of the runs, and that of their maps.
const SUFFIX: &str = "bold";
const MAP_SUFFIX: &str = "boldmap";

pub(crate) fn run(args: &BidsArgs) -> Result<Done> {
    match args.level {
        Level::Participant => participant::run(args),
        Level::Group => group::run(args),
    }
}

//! `voxstore merge`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use voxstore::jobs::merge_tsnr;
use voxstore::shard::Parts;

use super::{reduce, tsnr};
use crate::args::{Command, MergeArgs};
use crate::exit::Done;
use crate::typed;

pub(crate) fn run(args: &MergeArgs) -> Result<Done> {
    // Before paths start elsewhere.
    let output = absolute(&args.output)?;
    let paths = args.parts.iter().map(|path| absolute(path)).collect::<Result<Vec<_>>>()?;
    let parts = Parts::open(&paths)?;
    let Some(command) = parts.typed() else {
        bail!(
            "the parts do not say how they were asked for; merge them by the library, as they were made"
        )
    };
    let (limits, talk, force) = (&args.limits, &args.talk, args.force);
    match typed::again(command)? {
        Command::Tsnr(job) if parts.kind() == "tsnr" => {
            let map = tsnr::Map { output: &output, force, limits, talk };
            tsnr::make(&job.what, &map, |runs, options, session| {
                merge_tsnr(&parts, runs, options, session)
            })
        }
        Command::Reduce(job) if parts.kind() == "reduce" => {
            let place = reduce::Place { output: Some(&output), force, limits, talk };
            reduce::merge(&job.what, &place, &parts)
        }
        _ => bail!("parts of {} cannot be merged by this voxstore", parts.kind()),
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("{}: no path", path.display()))
}

//! `voxstore export`

mod damaged;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use bytesize::ByteSize;
use serde::Serialize;
use voxstore::store::Store;
use voxstore::{Session, nifti, store};

use crate::args::ExportArgs;
use crate::exit::Done;
use crate::{chosen, inputs, output, render};

#[derive(Serialize)]
struct Exported {
    run: String,
    file: PathBuf,
    bytes: u64,
    /// Chunks that were lost and filled.
    filled_chunks: usize,
}

pub(crate) fn run(args: &ExportArgs) -> Result<Done> {
    let store = store::open(&args.store)?;
    let names = chosen::runs_of(&store, &args.runs)?;
    if names.is_empty() {
        bail!("{} holds no runs", args.store.display());
    }
    let is_file = inputs::is_nifti_name(&args.output);
    if is_file && names.len() > 1 {
        bail!(
            "{} runs cannot go into one file:\n  {}\nchoose one with --run, or give a folder",
            names.len(),
            names.join("\n  ")
        );
    }
    // Every run is looked at before the first is written, but only one is kept open.
    let (mut targets, mut left_out) = (Vec::new(), 0);
    for name in &names {
        match target(&store, name, args, is_file) {
            Ok(path) => targets.push((name, path)),
            Err(error) if args.allow_damaged && names.len() > 1 => {
                render::say(&format!("not exported: {name}: {error}"));
                left_out += 1;
            }
            Err(error) => return Err(error),
        }
    }
    if targets.is_empty() {
        bail!("none of the {left_out} runs can be exported");
    }
    let session = args.limits.session(&args.talk)?;
    let mut done = Vec::new();
    for (name, path) in targets {
        done.push(one(&store, name, path, args, &session)?);
    }
    if args.talk.json {
        render::json(&done)?;
    } else if !args.talk.quiet {
        tell(&done)?;
    }
    let whole = left_out == 0 && done.iter().all(|exported| exported.filled_chunks == 0);
    Ok(if whole { Done::All } else { Done::Some })
}

/// Where a run goes: in a folder under its path in the store, as one file or two and compressed as its source
/// was.
fn target(store: &Store, name: &str, args: &ExportArgs, is_file: bool) -> Result<PathBuf> {
    let run = store.run(name)?;
    let path = if is_file {
        args.output.clone()
    } else {
        let stem = name.strip_suffix(".ome.zarr").unwrap_or(name);
        let origin = &run.info().origin;
        let end = if origin.image_name.is_some() { ".hdr" } else { ".nii" };
        let packed = if origin.gzip { ".gz" } else { "" };
        args.output.join(format!("{stem}{end}{packed}"))
    };
    // A list of what is lost in a file that will not be there any more.
    let mark = damaged::mark_of(&path);
    let files = nifti::files_of(&path);
    output::refuse_existing(files.iter().chain([&mark]).map(PathBuf::as_path), args.force)?;
    Ok(path)
}

fn one(
    store: &Store,
    name: &str,
    file: PathBuf,
    args: &ExportArgs,
    session: &Session,
) -> Result<Exported> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let (bytes, filled_chunks) = if args.allow_damaged {
        let (run, holes) = store.salvage(name)?;
        damaged::export(&run, &holes, &file, args.force, session)?
    } else {
        let bytes = nifti::export(&store.run(name)?, &file, args.force, session)?;
        damaged::unmark(&file)?;
        (bytes, 0)
    };
    Ok(Exported { run: name.to_owned(), file, bytes, filled_chunks })
}

fn tell(done: &[Exported]) -> Result<()> {
    let rows: Vec<Vec<String>> = done
        .iter()
        .map(|exported| {
            let state = match exported.filled_chunks {
                0 => "whole".to_owned(),
                1 => "1 chunk filled".to_owned(),
                n => format!("{n} chunks filled"),
            };
            let size = ByteSize(exported.bytes).to_string();
            vec![exported.run.clone(), size, state, exported.file.display().to_string()]
        })
        .collect();
    render::line(&render::table(&["run", "voxels", "state", "file"], &rows))
}

//! `voxstore export`

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use bytesize::ByteSize;
use serde::Serialize;
use voxstore::{nifti, store};

use crate::args::ExportArgs;
use crate::exit::Done;
use crate::{inputs, output, render};

#[derive(Serialize)]
struct Exported {
    run: String,
    file: PathBuf,
    bytes: u64,
}

pub(crate) fn run(args: &ExportArgs) -> Result<Done> {
    let store = store::open(&args.store)?;
    let names = store.select(&args.runs.globs)?;
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
    // A folder gets each run under its path in the store, as one file or two and compressed as its source
    // was. Every run is looked at before the first is written, but only one is kept open.
    let targets = names
        .iter()
        .map(|name| {
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
            let files = nifti::files_of(&path);
            output::refuse_existing(files.iter().map(PathBuf::as_path), args.force)?;
            Ok((name, path))
        })
        .collect::<Result<Vec<_>>>()?;
    let session = args.limits.session(&args.talk)?;
    let mut done = Vec::new();
    for (name, path) in targets {
        let run = store.run(name)?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let bytes = nifti::export(&run, &path, args.force, &session)?;
        done.push(Exported { run: run.name().to_owned(), file: path, bytes });
    }
    if args.talk.json {
        render::json(&done)?;
    } else if !args.talk.quiet {
        let rows: Vec<Vec<String>> = done
            .iter()
            .map(|e| {
                vec![e.run.clone(), ByteSize(e.bytes).to_string(), e.file.display().to_string()]
            })
            .collect();
        render::line(&render::table(&["run", "voxels", "file"], &rows))?;
    }
    Ok(Done::All)
}

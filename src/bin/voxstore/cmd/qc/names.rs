//! What are the tables of runs called?

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use voxstore::Run;
use voxstore::bids::{Name, image_stem};

use crate::output;

/// A table and its JSON for each run.
pub(super) struct Names {
    pub(super) files: Vec<(PathBuf, PathBuf)>,
    folder: PathBuf,
}

impl Names {
    /// # Errors
    /// One name for several runs, or two runs of one name.
    pub(super) fn of(runs: &[Run], output: &Path) -> Result<Self> {
        if let Some(sidecar) = output::sidecar_of(output, &[".tsv"]) {
            if runs.len() > 1 {
                bail!(
                    "{}: one table, and {} runs; give a folder, in which each run gets a table",
                    output.display(),
                    runs.len()
                );
            }
            let folder = output::folder_of(output).to_owned();
            return Ok(Self { files: vec![(output.to_owned(), sidecar)], folder });
        }
        if output.is_file() {
            bail!("{}: is a file; give NAME.tsv, or a folder", output.display());
        }
        let mut taken: BTreeMap<String, &str> = BTreeMap::new();
        let mut files = Vec::new();
        for run in runs {
            let stem = stem_of(run);
            if let Some(other) = taken.insert(stem.clone(), run.name()) {
                bail!(
                    "{other} and {} would both be {stem}.tsv; look at them one by one, each with an -o NAME.tsv",
                    run.name()
                );
            }
            let file = |end: &str| output.join(format!("{stem}{end}"));
            files.push((file(".tsv"), file(".json")));
        }
        Ok(Self { files, folder: output.to_owned() })
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().flat_map(|(table, sidecar)| [table.as_path(), sidecar.as_path()])
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn make_folder(&self) -> Result<()> {
        let folder = &self.folder;
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
    }
}

/// `sub-01_task-x_bold.nii.gz` gives `sub-01_task-x_desc-qc_timeseries`, any other name `NAME_desc-qc_timeseries`.
fn stem_of(run: &Run) -> String {
    let path = run.name().trim_end_matches('/');
    let last = path.rsplit('/').next().unwrap_or(path);
    let stem = image_stem(last).unwrap_or(last);
    match Name::parse(stem).filter(|name| name.entity("sub").is_some()) {
        Some(name) => name.with_entity("desc", "qc").with_ending("timeseries", "").to_string(),
        None => format!("{stem}_desc-qc_timeseries"),
    }
}

//! From what was typed to runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use globset::GlobBuilder;
use voxstore::nifti::{self, OpenOptions};
use voxstore::{Run, foreign, store};
use walkdir::WalkDir;

/// Where runs are to come from.
#[derive(Debug)]
pub(crate) enum Inputs {
    Store(Box<store::Store>),
    /// Files and images of other tools in the order to use them; `named` when each was given by name.
    Files {
        paths: Vec<PathBuf>,
        named: bool,
    },
}

/// Looks at each input: one store, or any number of files, images of other tools, folders and patterns.
pub(crate) fn find(inputs: &[PathBuf]) -> Result<Inputs> {
    if let [path] = inputs
        && is_store(path)
    {
        return Ok(Inputs::Store(Box::new(store::open(path)?)));
    }
    let (mut paths, mut named) = (Vec::new(), true);
    for input in inputs {
        if is_store(input) {
            bail!(
                "{} is a store and cannot be mixed with other inputs; give it alone, \
                 and choose runs with --run",
                input.display()
            );
        }
        if foreign::is_foreign(input) {
            paths.push(input.clone());
        } else if input.is_dir() {
            // An image without a header is known by nothing.
            paths.extend(search(input, |path| !is_image(path))?);
            named = false;
        } else if let Some(found) = pattern(input)? {
            paths.extend(found);
            named = false;
        } else {
            paths.push(input.clone());
        }
    }
    Ok(Inputs::Files { paths: pairs_once(paths), named })
}

/// Takes out the image of a pair where its header is there, too, as with `run.*`.
fn pairs_once(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    let files = |path: &Path| nifti::files_of(path).into_iter().map(absolute).collect::<Vec<_>>();
    if !paths.iter().any(|path| is_image(path)) {
        return paths;
    }
    let headers: Vec<&PathBuf> = paths.iter().filter(|path| !is_image(path)).collect();
    let pairs: BTreeSet<Vec<PathBuf>> = headers.into_iter().map(|path| files(path)).collect();
    paths.retain(|path| !is_image(path) || !pairs.contains(&files(path)));
    paths
}

/// True for the file of a pair that has the voxels.
fn is_image(path: &Path) -> bool {
    matches!(&nifti::files_of(path)[..], [_, image] if image == path)
}

/// Opens the files; those that cannot be opened come with their reason.
pub(crate) fn open_files(
    paths: &[PathBuf],
    options: OpenOptions,
) -> impl Iterator<Item = (&PathBuf, Result<Run, voxstore::Error>)> {
    paths.iter().map(move |path| (path, open_one(path, options)))
}

/// Opens a NIfTI file, or an image of another tool.
pub(crate) fn open_one(path: &Path, options: OpenOptions) -> Result<Run, voxstore::Error> {
    if foreign::is_foreign(path) {
        return Ok(foreign::open(path)?.into_run());
    }
    Ok(nifti::open_with(path, options)?)
}

/// Opens all runs that are meant, for a job that joins them: any bad file stops it.
pub(crate) fn runs_to_join(
    inputs: &[PathBuf],
    globs: &[String],
    options: OpenOptions,
) -> Result<Vec<Run>> {
    match find(inputs)? {
        Inputs::Store(store) => {
            let names = store.select(globs)?;
            refuse_several_subjects(&names, globs)?;
            names.iter().map(|name| Ok(store.run(name)?)).collect()
        }
        Inputs::Files { .. } if !globs.is_empty() => {
            bail!("--run chooses among the runs of a store; for files, name the files")
        }
        Inputs::Files { paths, named } => {
            if !named {
                let names: Vec<String> =
                    paths.iter().map(|path| path.display().to_string()).collect();
                refuse_several_subjects(&names, &[])?;
            }
            open_files(&paths, options).map(|(_, run)| Ok(run?)).collect()
        }
    }
}

/// Nobody means to join subjects or sessions without saying so.
fn refuse_several_subjects(names: &[String], globs: &[String]) -> Result<()> {
    let series: BTreeSet<String> = names
        .iter()
        .map(|name| {
            let parts = name.split(['/', '_']);
            let found: BTreeSet<&str> =
                parts.filter(|p| p.starts_with("sub-") || p.starts_with("ses-")).collect();
            // `sub` sorts after `ses`; people say the subject first.
            found.into_iter().rev().collect::<Vec<_>>().join("/")
        })
        .collect();
    if series.len() > 1 && globs.is_empty() {
        let list: Vec<&str> =
            series.iter().map(|s| if s.is_empty() { "(none)" } else { s }).collect();
        bail!(
            "these are {} runs of {} subjects or sessions, which would be joined into one series:\n  \
             {}\nchoose with --run, for example --run '{}/**'",
            names.len(),
            series.len(),
            list.join("\n  "),
            series.iter().find(|s| !s.is_empty()).map_or("*", String::as_str),
        );
    }
    Ok(())
}

/// True for a folder with Zarr metadata at its top, unless another tool wrote it.
pub(crate) fn is_store(path: &Path) -> bool {
    path.join("zarr.json").is_file() && !foreign::is_foreign(path)
}

/// The store above a run's folder, and the run's path in it.
pub(crate) fn run_in_store(path: &Path) -> Option<(PathBuf, String)> {
    let full = path.canonicalize().ok()?;
    if full.extension().is_none_or(|e| e != "zarr") || !is_store(&full) {
        return None;
    }
    // The store is the topmost folder above that still is a Zarr group.
    let root = full.ancestors().skip(1).take_while(|p| is_store(p)).last()?;
    let name = full.strip_prefix(root).ok()?.to_str()?.to_owned();
    Some((root.to_owned(), name))
}

/// NIfTI files below a folder, in natural order, without stores and hidden files. Of a pair, both.
fn search(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let walk = WalkDir::new(folder).follow_links(true).into_iter().filter_entry(|entry| {
        let hidden = entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.');
        let inner_store = entry.depth() > 0 && entry.path().join("zarr.json").is_file();
        !hidden && !inner_store
    });
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            // A dangling link is how git-annex shows content that is not here: let opening it say so.
            Err(error) if error.path().is_some_and(|p| p.is_symlink() && is_nifti_name(p)) => {
                found.extend(error.path().map(Path::to_owned));
                continue;
            }
            Err(error) => return Err(error).context("searching for NIfTI files"),
        };
        let path = entry.path();
        if !entry.file_type().is_dir() && is_nifti_name(path) && wanted(path) {
            found.push(path.to_owned());
        }
    }
    if found.is_empty() {
        bail!("no .nii, .nii.gz or .hdr file was found in {}", folder.display());
    }
    found.sort_by(|a, b| natord::compare(&a.to_string_lossy(), &b.to_string_lossy()));
    Ok(found)
}

/// True for the name of a NIfTI file, or of either file of a pair.
pub(crate) fn is_nifti_name(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().to_ascii_lowercase());
    name.is_some_and(|n| {
        let n = n.strip_suffix(".gz").unwrap_or(&n);
        [".nii", ".hdr", ".img"].iter().any(|end| n.ends_with(end))
    })
}

/// The files a quoted pattern names; `None` for something that is not a pattern.
fn pattern(input: &Path) -> Result<Option<Vec<PathBuf>>> {
    let text = input.to_string_lossy();
    if input.exists() || input.is_symlink() || !text.contains(['*', '?', '[', '{']) {
        return Ok(None);
    }
    let matcher = GlobBuilder::new(&text)
        .literal_separator(true)
        .build()
        .with_context(|| format!("{text} is not a pattern"))?
        .compile_matcher();
    // Search from the last folder before the first special character.
    let special = text.find(['*', '?', '[', '{']).unwrap_or(0);
    let base = text[..special].rfind('/').map_or("", |slash| &text[..=slash]);
    let folder = if base.is_empty() { Path::new(".") } else { Path::new(base) };
    let plain = |path: &Path| {
        let path = if base.is_empty() { path.strip_prefix(".").unwrap_or(path) } else { path };
        matcher.is_match(path)
    };
    search(folder, plain).with_context(|| format!("nothing matches {text}")).map(Some)
}

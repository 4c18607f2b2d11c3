//! From what was typed to runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use globset::GlobBuilder;
use voxstore::bids::{self, Filter};
use voxstore::nifti::{self, OpenOptions};
use voxstore::{Run, foreign, store};
use walkdir::WalkDir;

use crate::args::RunArgs;
use crate::chosen::{self, LeftOut};

/// Where runs are to come from.
#[derive(Debug)]
pub(crate) enum Inputs {
    Store(Box<store::Store>),
    /// Files and images of other tools in the order to use them; `named` when each was given by name.
    Files {
        paths: Vec<PathBuf>,
        named: bool,
        left_out: Vec<LeftOut>,
    },
}

/// Looks at each input: one store, or any number of files, images of other tools, folders, BIDS datasets and
/// patterns. The filter chooses among what folders and patterns bring, and of a dataset `bold` where it says
/// nothing of suffixes; a file given by name is meant.
pub(crate) fn find(inputs: &[PathBuf], filter: &Filter) -> Result<Inputs> {
    if let [path] = inputs
        && is_store(path)
    {
        return Ok(Inputs::Store(Box::new(store::open(path)?)));
    }
    let (mut paths, mut named, mut left_out) = (Vec::new(), true, Vec::new());
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
        } else if bids::is_dataset(input) {
            paths.extend(chosen::images(input, filter, &mut left_out)?);
            named = false;
        } else if input.is_dir() {
            // An image without a header is known by nothing.
            let found = search(input, |path| !is_image(path))?;
            if found.is_empty() {
                bail!(
                    "no .nii, .nii.gz or .hdr file was found in {}; give the folder that has them, or the files",
                    input.display()
                );
            }
            paths.extend(chosen::among(found, filter, &mut left_out));
            named = false;
        } else if let Some(found) = pattern(input)? {
            paths.extend(chosen::among(found, filter, &mut left_out));
            named = false;
        } else {
            paths.push(input.clone());
        }
    }
    if paths.is_empty() {
        bail!(
            "no file is left: {}; choose others with --entity and --suffix, or name the files",
            chosen::summary(&left_out)
        );
    }
    Ok(Inputs::Files { paths: pairs_once(paths), named, left_out })
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

const RUN_OF_STORE: &str =
    "--run chooses among the runs of a store; for files, name the files, or choose with --entity";

/// Runs for a job.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) runs: Vec<Run>,
    pub(crate) left_out: Vec<LeftOut>,
}

/// Opens all runs that are meant, for a job that joins them: any bad file stops it.
pub(crate) fn runs_to_join(
    inputs: &[PathBuf],
    args: &RunArgs,
    options: OpenOptions,
) -> Result<Chosen> {
    let filter = args.filter.filter()?;
    match find(inputs, &filter)? {
        Inputs::Store(store) => {
            let names = chosen::runs_of(&store, args)?;
            if args.globs.is_empty() {
                chosen::refuse_several_subjects(&names, &filter)?;
            }
            let runs = names.iter().map(|name| Ok(store.run(name)?)).collect::<Result<_>>()?;
            Ok(Chosen { runs, left_out: Vec::new() })
        }
        Inputs::Files { .. } if !args.globs.is_empty() => bail!("{RUN_OF_STORE}"),
        Inputs::Files { paths, named, left_out } => {
            if !named {
                let names: Vec<String> =
                    paths.iter().map(|path| path.display().to_string()).collect();
                chosen::refuse_several_subjects(&names, &filter)?;
                refuse_twice(&paths)?;
            }
            let runs =
                open_files(&paths, options).map(|(_, run)| Ok(run?)).collect::<Result<_>>()?;
            Ok(Chosen { runs, left_out })
        }
    }
}

/// Opens all runs that are meant, for a job that looks at them one by one: any bad file stops it.
pub(crate) fn runs_one_by_one(
    inputs: &[PathBuf],
    args: &RunArgs,
    options: OpenOptions,
) -> Result<Chosen> {
    match find(inputs, &args.filter.filter()?)? {
        Inputs::Store(store) => {
            let names = chosen::runs_of(&store, args)?;
            let runs = names.iter().map(|name| Ok(store.run(name)?)).collect::<Result<_>>()?;
            Ok(Chosen { runs, left_out: Vec::new() })
        }
        Inputs::Files { .. } if !args.globs.is_empty() => bail!("{RUN_OF_STORE}"),
        Inputs::Files { paths, left_out, .. } => {
            let runs =
                open_files(&paths, options).map(|(_, run)| Ok(run?)).collect::<Result<_>>()?;
            Ok(Chosen { runs, left_out })
        }
    }
}

/// Nobody means to count a run twice: once plain and once compressed.
fn refuse_twice(paths: &[PathBuf]) -> Result<()> {
    let is_gzip = |path: &&PathBuf| path.extension().is_some_and(|end| end == "gz");
    let twice = paths.iter().filter(is_gzip).find(|path| paths.contains(&path.with_extension("")));
    let Some(path) = twice else { return Ok(()) };
    bail!(
        "{} and {} would be joined as two runs; name the files that are meant, such as {}/*.nii.gz",
        path.with_extension("").display(),
        path.display(),
        path.parent().unwrap_or(Path::new(".")).display()
    )
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
    let found = search(folder, plain)?;
    if found.is_empty() {
        bail!("no .nii, .nii.gz or .hdr file matches {text}; check it with `ls {text}`");
    }
    Ok(Some(found))
}

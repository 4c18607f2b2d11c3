//! Which of the files and runs that were found are meant, and what is left out?
//!
//! By BIDS entities and suffix, as `--entity` and `--suffix` say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::{Serialize, Serializer};
use voxstore::bids::{Dataset, Filter, Found, Name, Reason};
use voxstore::store::Store;

use crate::args::{RunArgs, TalkArgs};
use crate::render;

/// More reasons than these are not read.
const MOST_REASONS: usize = 12;

/// A file that lay where files were looked for and is not among them, or a folder with all that is in it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LeftOut {
    pub(crate) path: PathBuf,
    #[serde(serialize_with = "as_text")]
    pub(crate) reason: Reason,
}

fn as_text<S: Serializer>(reason: &Reason, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(reason)
}

/// The images of a BIDS dataset that are meant.
pub(crate) fn images(
    root: &Path,
    filter: &Filter,
    left_out: &mut Vec<LeftOut>,
) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for found in Dataset::open(root)?.images(&filter.clone().or_suffix("bold")) {
        match found? {
            Found::Image(image) => paths.push(image.path),
            Found::LeftOut(other) => {
                left_out.push(LeftOut { path: root.join(other.below), reason: other.reason });
            }
        }
    }
    if paths.is_empty() && left_out.is_empty() {
        bail!("no image is in the subjects' folders of {}", root.display());
    }
    Ok(paths)
}

/// Those of files whose names a filter admits.
pub(crate) fn among(
    found: Vec<PathBuf>,
    filter: &Filter,
    left_out: &mut Vec<LeftOut>,
) -> Vec<PathBuf> {
    if filter.is_empty() {
        return found;
    }
    let (mut paths, name) = (Vec::new(), |path: &Path| Name::parse(path.file_name()?.to_str()?));
    for path in found {
        match name(&path).map_or(Some(Reason::Name), |name| filter.refusal(&name)) {
            Some(reason) => left_out.push(LeftOut { path, reason }),
            None => paths.push(path),
        }
    }
    paths
}

/// Names of the runs of a store that are meant.
pub(crate) fn runs_of(store: &Store, runs: &RunArgs) -> Result<Vec<String>> {
    let filter = runs.filter.filter()?;
    let mut names = store.select(&runs.globs)?;
    if filter.is_empty() {
        return Ok(names);
    }
    let found = names.len();
    let last = |name: &str| name.rsplit('/').next().and_then(Name::parse);
    names.retain(|name| last(name).is_some_and(|name| filter.admits(&name)));
    if names.is_empty() {
        bail!(
            "none of {found} runs of {} has these entities and this suffix; `voxstore info {0}` lists them",
            store.path().display()
        );
    }
    Ok(names)
}

/// Says what was left out, and why, in a line.
pub(crate) fn tell_left_out(left_out: &[LeftOut], talk: &TalkArgs) {
    if !left_out.is_empty() && !talk.quiet && !talk.json {
        render::say(&format!("left out: {}", summary(left_out)));
    }
}

/// `12 (suffix T1w), 3 (sub-02), derivatives/`: few by name, many by their reason.
pub(crate) fn summary(left_out: &[LeftOut]) -> String {
    let mut by_reason: BTreeMap<&Reason, Vec<&Path>> = BTreeMap::new();
    for LeftOut { path, reason } in left_out {
        by_reason.entry(reason).or_default().push(path);
    }
    let parts = by_reason.into_iter().map(|(reason, paths)| {
        let what = match paths[..] {
            [path] => path.display().to_string(),
            _ => format!("{} files or folders", paths.len()),
        };
        format!("{what} ({reason})")
    });
    let parts: Vec<String> = parts.collect();
    match parts.len().checked_sub(MOST_REASONS) {
        Some(more) if more > 0 => {
            format!(
                "{}, and {more} more reasons; --json lists all",
                parts[..MOST_REASONS].join(", ")
            )
        }
        _ => parts.join(", "),
    }
}

/// Nobody means to join subjects or sessions without saying so, as a filter that names them does.
pub(crate) fn refuse_several_subjects(names: &[String], filter: &Filter) -> Result<()> {
    let keys: Vec<&str> = ["sub", "ses"].into_iter().filter(|key| !filter.names(key)).collect();
    let series: BTreeSet<Vec<&str>> = names.iter().map(|name| parts_of(name, &keys)).collect();
    if series.len() > 1 {
        let shown = |parts: &Vec<&str>| {
            if parts.is_empty() { "(none)".to_owned() } else { parts.join("/") }
        };
        let list: Vec<String> = series.iter().map(shown).collect();
        let example = series.iter().find(|parts| !parts.is_empty());
        let example: Vec<String> = example.map_or(Vec::new(), |parts| {
            parts.iter().map(|part| format!("--entity {}", part.replacen('-', "=", 1))).collect()
        });
        bail!(
            "these are {} runs of {} subjects or sessions, which would be joined into one series:\n  \
             {}\nchoose with --entity, for example {}; or with --run, of a store",
            names.len(),
            series.len(),
            list.join("\n  "),
            example.join(" "),
        );
    }
    Ok(())
}

/// Those parts of a path that have these keys, in the order of the keys: `sub-01`, `ses-a`.
fn parts_of<'a>(path: &'a str, keys: &[&str]) -> Vec<&'a str> {
    let has = |part: &&str, key: &str| part.split_once('-').is_some_and(|(k, _)| k == key);
    let last = |key: &&str| path.rsplit(['/', '_']).find(|part| has(part, key));
    keys.iter().filter_map(last).collect()
}

//! Are these all parts of one job, and what is in them?

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ShardError;
use super::part::{PartFile, Request, RunOfPart, STATE_VERSION};
use super::states::{KeptWords, Planes, array_shape};
use super::units::{Shard, Stretch, Work};
use super::write::Typed;
use crate::lazy::LazyArray;
use crate::plan::KeptState;
use crate::runtime::in_shell;
use crate::source::Source;
use crate::store::{list_folders, open_array, read_part};

/// Parts of one job, opened together. What is in their arrays has not been read.
#[derive(Debug)]
pub struct Parts {
    /// In the order of their units.
    list: Vec<(PathBuf, PartFile)>,
}

impl Parts {
    /// Opens parts, in any order: folders of parts, or folders that have parts in them. Reads metadata.
    ///
    /// # Errors
    /// What is no part, or a damaged one; parts of different jobs.
    pub fn open(paths: &[PathBuf]) -> Result<Self, ShardError> {
        let mut folders = Vec::new();
        for path in paths {
            if is_part_name(&name_of(path)) {
                folders.push(path.clone());
                continue;
            }
            let found = list_folders(path, is_part_name)?;
            if found.is_empty() {
                let example = Shard::new(0, 4)?.file_name("tsnr");
                return Err(ShardError::NoParts { folder: path.clone(), example });
            }
            folders.extend(found);
        }
        // One that is named twice is one part.
        let mut seen = BTreeSet::new();
        folders.retain(|folder| seen.insert(folder.clone()));
        let mut list: Vec<(PathBuf, PartFile)> = Vec::new();
        for path in folders {
            let file = opened(&path)?;
            if let Some((other, first)) = list.first()
                && let Some(differs) = first.request.difference(&file.request)
            {
                let other = other.clone();
                return Err(ShardError::Foreign { path, other, differs: Box::new(differs) });
            }
            list.push((path, file));
        }
        list.sort_by_key(|(_, file)| (file.units.first, file.units.end));
        if list.is_empty() {
            let example = Shard::new(0, 4)?.file_name("tsnr");
            return Err(ShardError::NoParts { folder: PathBuf::from("the list"), example });
        }
        Ok(Self { list })
    }

    /// The job that they are of: `tsnr`.
    pub fn kind(&self) -> &str {
        &self.list[0].1.request.kind
    }

    /// What was typed to make the first of them, where that is known.
    pub fn typed(&self) -> Option<&Typed> {
        self.list.iter().find_map(|(_, file)| file.typed.as_ref())
    }

    /// What sources said when they were read, in the order of runs.
    pub fn warnings(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for warning in self.list.iter().flat_map(|(_, file)| &file.warnings) {
            if !all.contains(warning) {
                all.push(warning.clone());
            }
        }
        all
    }

    /// What was found out of a set of runs before it was read.
    pub(crate) fn found(&self, set: usize, what: &str) -> Option<u64> {
        let of_set = self.list.iter().flat_map(|(_, file)| &file.runs).filter(|of| of.run == set);
        of_set.filter_map(|of| of.found.get(what)).copied().next()
    }

    /// Refuses parts of which the job that is asked for is not made.
    ///
    /// # Errors
    /// What differs.
    pub(crate) fn check_request(&self, request: &Request) -> Result<(), ShardError> {
        let (path, file) = &self.list[0];
        match file.request.difference(request) {
            None => Ok(()),
            Some(differs) => {
                Err(ShardError::Changed { path: path.clone(), differs: Box::new(differs) })
            }
        }
    }

    /// The expressions of a job, made of the parts.
    ///
    /// # Errors
    /// Units that are in no part, or in two; arrays that are missing or not what they should be.
    pub(crate) fn results(&self, work: &Work) -> Result<Vec<LazyArray>, ShardError> {
        self.check_units(work)?;
        let mut sources: Vec<Option<Arc<dyn Source>>> = vec![None; work.apart.list().len()];
        for (index, set) in work.sets.iter().enumerate() {
            for (number, &state) in set.states.iter().enumerate() {
                let of = &work.apart.list()[state];
                let planes = self.planes(work, of, index, number)?;
                sources[state] = Some(Arc::new(KeptWords::new(of, planes)));
            }
        }
        // Each state belongs to one set.
        let sources: Vec<Arc<dyn Source>> = sources.into_iter().flatten().collect();
        Ok(work.apart.results(&sources))
    }

    /// The planes of a state, in their order.
    fn planes(
        &self,
        work: &Work,
        state: &KeptState,
        set: usize,
        number: usize,
    ) -> Result<Vec<Planes>, ShardError> {
        let mut list = Vec::new();
        for (path, file) in &self.list {
            for of in file.runs.iter().filter(|of| of.run == set) {
                let stretch = Stretch { set, start: of.start, len: of.len };
                list.push(planes_of(path, of, state, &work.cells_in(stretch, state), number)?);
            }
        }
        Ok(list)
    }

    /// Every unit is in one part.
    fn check_units(&self, work: &Work) -> Result<(), ShardError> {
        let damaged = |path: &PathBuf, reason: String| {
            Err(ShardError::Damaged { path: path.clone(), reason })
        };
        for (path, file) in &self.list {
            let units = file.units;
            if units.total != work.units() || work.range(file.shard) != (units.first..units.end) {
                let reason = format!("units {units:?} are not those of shard {}", file.shard);
                return damaged(path, reason);
            }
            let expected = work.stretches(&(units.first..units.end));
            let matches = expected.len() == file.runs.len()
                && expected.iter().zip(&file.runs).all(|(stretch, of)| {
                    (stretch.set, stretch.start, stretch.len) == (of.run, of.start, of.len)
                });
            if !matches {
                return damaged(path, "its runs are not those of its units".to_owned());
            }
        }
        let held = self.list.iter().filter(|(_, file)| file.units.first < file.units.end);
        let (mut next, mut missing, mut before) = (0, Vec::new(), None::<&(PathBuf, PartFile)>);
        for part in held {
            let (path, file) = part;
            if let Some((first, other)) = before.filter(|_| file.units.first < next) {
                return Err(ShardError::Overlap {
                    first: first.clone(),
                    second: path.clone(),
                    what: format!(
                        "{} to {} (shard {}) and {} to {} (shard {}); leave out one of the two",
                        other.units.first,
                        other.units.end,
                        other.shard,
                        file.units.first,
                        file.units.end,
                        file.shard
                    ),
                });
            }
            if file.units.first > next {
                missing.push(next..file.units.first);
            }
            next = file.units.end;
            before = Some(part);
        }
        if next < work.units() {
            missing.push(next..work.units());
        }
        if missing.is_empty() { Ok(()) } else { Err(self.missing(work, &missing)) }
    }

    /// Says which shards would make units, of as many as most parts are of.
    fn missing(&self, work: &Work, units: &[std::ops::Range<u64>]) -> ShardError {
        let counts = self.list.iter().map(|(_, file)| file.shard.count());
        let count = counts.max().unwrap_or(1);
        let shards: Vec<Shard> = (0..count)
            .filter_map(|index| Shard::new(index, count).ok())
            .filter(|shard| {
                let range = work.range(*shard);
                units.iter().any(|of| range.start < of.end && of.start < range.end)
            })
            .collect();
        let typed = self.typed();
        let commands = shards.iter().filter_map(|shard| typed?.command(*shard)).collect();
        let missing = units.iter().map(|of| of.end - of.start).sum();
        ShardError::Missing { units: missing, total: work.units(), shards, commands }
    }
}

impl Typed {
    /// The same command for another shard, to be typed in a shell; `None` where none was named.
    fn command(&self, shard: Shard) -> Option<String> {
        let mut arguments = self.arguments.clone();
        let at = arguments
            .iter()
            .position(|argument| argument == "--shard" || argument.starts_with("--shard="))?;
        if arguments[at] == "--shard" {
            *arguments.get_mut(at + 1)? = shard.to_string();
        } else {
            arguments[at] = format!("--shard={shard}");
        }
        let words: Vec<String> = arguments.iter().map(|word| in_shell(word)).collect();
        Some(format!("  (cd {} && {})", in_shell(&self.folder), words.join(" ")))
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// `tsnr.part-00003-of-00032.zarr`
fn is_part_name(name: &str) -> bool {
    let digits = |text: &str| text.len() >= 5 && text.bytes().all(|b| b.is_ascii_digit());
    name.strip_suffix(".zarr")
        .and_then(|name| name.rsplit_once(".part-"))
        .and_then(|(kind, numbers)| Some((kind, numbers.split_once("-of-")?)))
        .is_some_and(|(kind, (index, count))| !kind.is_empty() && digits(index) && digits(count))
}

fn opened(path: &Path) -> Result<PartFile, ShardError> {
    let file: PartFile = read_part(path)?;
    if file.state_version != STATE_VERSION {
        let (path, found) = (path.to_owned(), file.state_version);
        return Err(ShardError::StateVersion { path, found, supported: STATE_VERSION });
    }
    let damaged = |reason: &str| {
        Err(ShardError::Damaged { path: path.to_owned(), reason: reason.to_owned() })
    };
    if file.plan != file.request.hash() {
        return damaged("the hash of its plan is not that of its request");
    }
    if name_of(path) != file.shard.file_name(&file.request.kind) {
        return damaged(&format!("it is shard {} of {}", file.shard, file.request.kind));
    }
    Ok(file)
}

fn planes_of(
    path: &Path,
    of: &RunOfPart,
    state: &KeptState,
    cells: &[u64],
    number: usize,
) -> Result<Planes, ShardError> {
    let damaged = |reason: String| ShardError::Damaged { path: path.to_owned(), reason };
    let names: Vec<&String> = state.components().iter().map(|component| &component.name).collect();
    let here = of.states.get(number).filter(|here| here.kept == state.text());
    if here.is_none_or(|here| !here.components.iter().eq(names.iter().copied())) {
        return Err(damaged(format!("{} has no state of {}", of.group, state.text())));
    }
    let mut arrays = Vec::new();
    for component in state.components() {
        let name = RunOfPart::array_name(number, &component.name);
        let place = path.join(RunOfPart::group_name(of.run)).join(&name);
        let array = open_array(&place).map_err(|error| damaged(error.to_string()))?;
        let expected = (array_shape(cells, component.words), component.dtype);
        let found = (array.shape().to_vec(), array.dtype());
        if found != expected {
            let reason = format!("{name}: expected {expected:?}, found {found:?}");
            return Err(damaged(reason));
        }
        arrays.push(array);
    }
    Ok(Planes { part: path.to_owned(), start: of.start, arrays })
}

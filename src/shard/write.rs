//! How does a shard become a part?
//!
//! The words of its states are arrays that are computed like any others, within the budget: of as many sets of runs at once
//! as there are threads and room. They wait in a scratch file until they are written component by component, so that no
//! box of the one needs to be a chunk of the other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::{Difference, ShardError};
use super::part::{PartFile, Request, RunOfPart, STATE_VERSION, StateOfRun, UnitRange};
use super::states::{Component, names_of};
use super::units::{Shard, Stretch, Work};
use crate::exec::Report;
use crate::grid::Region;
use crate::lazy::LazyArray;
use crate::picture::Explanation;
use crate::plan::{KeptState, PlanError};
use crate::runtime::Session;
use crate::sink::SinkError;
use crate::source::Source as _;
use crate::spill::Spill;
use crate::store::{PartWriter, StoreError, ZarrOptions, ZarrSink, is_taken, read_part};

/// How parts are written.
#[derive(Clone, Debug, Default)]
pub struct PartOptions {
    /// Make it anew where it is there already, and replace what has its name.
    pub force: bool,
    /// What was typed to make it, kept in the part: what [`Parts`](super::Parts) tells of missing ones is made of it.
    pub typed: Option<Typed>,
}

/// A command line, and where it was typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typed {
    /// The program and its arguments.
    pub arguments: Vec<String>,
    /// The folder that relative paths start from.
    pub folder: String,
}

/// A part that is there.
#[derive(Debug)]
pub struct Part {
    /// Its folder.
    pub path: PathBuf,
    /// Units in it. 0 where there are more shards than units.
    pub units: u64,
    /// Units of the whole job.
    pub total_units: u64,
    /// Runs that some of it is of.
    pub runs: usize,
    /// It was there already, and nothing was done.
    pub was_there: bool,
    /// What sources said.
    pub warnings: Vec<String>,
    /// How the computation went.
    pub report: Report,
}

/// Makes the states of a shard and writes them into `folder`; one that is there already is left alone. `found` has what
/// the job found out of each set of runs before, by its number.
pub(crate) fn write_part(
    work: &Work,
    request: Request,
    shard: Shard,
    found: &BTreeMap<usize, BTreeMap<String, u64>>,
    folder: &Path,
    options: &PartOptions,
    session: &Session,
) -> Result<Part, ShardError> {
    let range = work.range(shard);
    let stretches = work.stretches(&range);
    let path = folder.join(shard.file_name(&request.kind));
    let mut file = PartFile {
        state_version: STATE_VERSION,
        plan: request.hash(),
        request,
        shard,
        units: UnitRange { first: range.start, end: range.end, total: work.units() },
        runs: stretches.iter().map(|stretch| run_of_part(work, *stretch, found)).collect(),
        warnings: Vec::new(),
        typed: options.typed.clone(),
    };
    let part = |was_there, report: Report| Part {
        path: path.clone(),
        units: range.end - range.start,
        total_units: work.units(),
        runs: work.runs_in(&stretches),
        was_there,
        warnings: report.warnings.clone(),
        report,
    };
    if !options.force && is_taken(&path)? {
        check_same(&path, &file)?;
        return Ok(part(true, Report::default()));
    }
    let writer = PartWriter::create(&path)?;
    let mut report = Report::default();
    for batch in batches(work, &stretches, session) {
        write_batch(work, batch, &writer, &mut report, session)?;
    }
    file.warnings.clone_from(&report.warnings);
    if !writer.seal(&file, options.force)? {
        // Somebody was faster: the same numbers, if it is the same part.
        check_same(&path, &file)?;
    }
    Ok(part(false, report))
}

/// What [`write_part`] would do; reads no voxel. The explanation is that of the largest of its steps, with all that is
/// read.
pub(crate) fn explain_part(
    work: &Work,
    shard: Shard,
    session: &Session,
) -> Result<Explanation, PlanError> {
    let range = work.range(shard);
    let stretches = work.stretches(&range);
    let (mut largest, mut read_bytes, mut steps) = (None::<Explanation>, 0, 0);
    for batch in batches(work, &stretches, session) {
        let states: Vec<_> = batch.iter().flat_map(|of| states_of(work, *of)).collect();
        let arrays: Vec<&LazyArray> = states.iter().flat_map(|state| &state.words).collect();
        let plan = session.explain_write(&arrays)?;
        read_bytes += plan.summary.read_bytes;
        steps += 1;
        if largest.as_ref().is_none_or(|l| l.summary.peak_bytes < plan.summary.peak_bytes) {
            largest = Some(plan);
        }
    }
    let mut plan = match largest {
        Some(plan) => plan,
        None => session.explain_write(&[])?,
    };
    plan.summary.read_bytes = read_bytes;
    let (units, total) = (range.end - range.start, work.units());
    let runs = work.runs_in(&stretches);
    plan.summary.rewrites.push(format!(
        "shard {shard}: {units} of {total} units, {runs} run(s); this is the largest of {steps} step(s)"
    ));
    Ok(plan)
}

fn add(report: &mut Report, more: Report) {
    // Steps of one scan: together they read each run once.
    let scans = report.scans.max(more.scans);
    *report = Report { scans, ..std::mem::take(report).and_then(more) };
}

/// Refuses what is at the place of a part and is not that part.
fn check_same(path: &Path, wanted: &PartFile) -> Result<(), ShardError> {
    let taken = |found: String| ShardError::Taken { path: path.to_owned(), found };
    let there: PartFile = read_part(path).map_err(|error| match error {
        StoreError::Io { .. } => ShardError::Store(error),
        other => taken(format!("no whole part: {other}")),
    })?;
    if there.state_version != STATE_VERSION {
        return Err(taken(format!("a part with states of version {}", there.state_version)));
    }
    if let Some(Difference { what, expected, found }) = wanted.request.difference(&there.request) {
        return Err(taken(format!("a part of another job: its {what} is {found}, not {expected}")));
    }
    if (there.shard, there.units) != (wanted.shard, wanted.units) {
        return Err(taken(format!("shard {} of the same job", there.shard)));
    }
    Ok(())
}

fn run_of_part(
    work: &Work,
    stretch: Stretch,
    found: &BTreeMap<usize, BTreeMap<String, u64>>,
) -> RunOfPart {
    RunOfPart {
        run: stretch.set,
        name: names_of(&work.sets[stretch.set].sources),
        group: RunOfPart::group_name(stretch.set),
        start: stretch.start,
        len: stretch.len,
        states: work
            .states_of(stretch.set)
            .map(|state| StateOfRun {
                kept: state.text().to_owned(),
                components: state.components().iter().map(|c| c.name.clone()).collect(),
            })
            .collect(),
        found: found.get(&stretch.set).cloned().unwrap_or_default(),
    }
}

/// Stretches that are read together: a thread each, as long as no stream is read twice for want of memory.
fn batches<'s>(
    work: &Work,
    mut left: &'s [Stretch],
    session: &Session,
) -> impl Iterator<Item = &'s [Stretch]> {
    let mut most = session.threads().max(1);
    std::iter::from_fn(move || {
        if left.is_empty() {
            return None;
        }
        loop {
            let (batch, rest) = left.split_at(most.min(left.len()));
            let states: Vec<_> = batch.iter().flat_map(|of| states_of(work, *of)).collect();
            let arrays: Vec<&LazyArray> = states.iter().flat_map(|state| &state.words).collect();
            if batch.len() == 1 || matches!(session.scans_to_write(&arrays), Ok(1)) {
                left = rest;
                return Some(batch);
            }
            most = batch.len() / 2;
        }
    })
}

/// One state of a stretch: each of its words, and its cells.
struct StateToWrite<'w> {
    state: &'w KeptState,
    words: Vec<LazyArray>,
    cells: Vec<u64>,
}

fn states_of(work: &Work, stretch: Stretch) -> impl Iterator<Item = StateToWrite<'_>> {
    work.states_of(stretch.set).map(move |state| {
        let mut words = state.words();
        if !work.is_whole(stretch) {
            let (from, to) = (stretch.start as isize, (stretch.start + stretch.len) as isize);
            words = words.iter().map(|word| word.slice_axis(-1, from..to)).collect();
        }
        StateToWrite { state, words, cells: work.cells_in(stretch, state) }
    })
}

fn write_batch(
    work: &Work,
    batch: &[Stretch],
    writer: &PartWriter,
    report: &mut Report,
    session: &Session,
) -> Result<(), ShardError> {
    let states: Vec<StateToWrite<'_>> = batch.iter().flat_map(|of| states_of(work, *of)).collect();
    let mut waiting = Vec::new();
    // For each array that is computed, the file it goes to and its number there.
    let mut places = Vec::new();
    for (at, state) in states.iter().enumerate() {
        let words = state.words.len() as u64;
        let with = |words| state.cells.iter().copied().chain([words]).collect::<Vec<u64>>();
        let spill = Spill::new("states in the making", &with(words), state.state.dtype(), &with(1));
        spill.open(session.scratch_dir())?;
        waiting.push(Arc::new(spill));
        places.extend((0..words).map(|word| (at, word)));
    }
    let arrays: Vec<&LazyArray> = states.iter().flat_map(|state| &state.words).collect();
    let keep = |array: usize, region: &Region, bytes: &[u8]| -> Result<(), SinkError> {
        let (state, word) = places[array];
        let of = |list: &[u64], last| list.iter().copied().chain([last]).collect::<Vec<u64>>();
        waiting[state].put(&Region::new(of(region.start(), word), of(region.shape(), 1)), bytes)
    };
    add(report, session.for_each_box(&arrays, keep)?);
    let mut next = 0;
    for stretch in batch {
        let folder = writer.group(&RunOfPart::group_name(stretch.set))?;
        for number in 0..work.sets[stretch.set].states.len() {
            let writing = write_state(&states[next], &waiting[next], number, &folder, session)?;
            // It reads nothing of the runs.
            add(report, Report { read_bytes: 0, scans: 0, ..writing });
            next += 1;
        }
    }
    Ok(())
}

/// Writes one array a component.
fn write_state(
    state: &StateToWrite<'_>,
    waiting: &Arc<Spill>,
    number: usize,
    folder: &Path,
    session: &Session,
) -> Result<Report, ShardError> {
    let mut report = Report::default();
    let mut first_word = 0;
    for component in state.state.components() {
        let name = RunOfPart::array_name(number, &component.name);
        let place = folder.join(&name);
        let source = Component::new(waiting, name, component.dtype, first_word, component.words);
        first_word += component.words;
        let names = axis_names(source.shape().len(), state.cells.len());
        let options = ZarrOptions { dimension_names: Some(names), ..ZarrOptions::default() };
        let sink = ZarrSink::create(&place, source.shape(), component.dtype, None, &options)?;
        let array = LazyArray::from_source(Arc::new(source));
        add(&mut report, session.write(&array, Box::new(sink.within_unnamed()))?);
    }
    Ok(report)
}

/// Names of the axes, axis 0 first: those of the cells by their number, and then the words.
fn axis_names(axes: usize, cells: usize) -> Vec<String> {
    let of_axis = |axis: usize| {
        if axis < cells.max(1) { format!("cell_{axis}") } else { "word".to_owned() }
    };
    (0..axes).map(of_axis).collect()
}

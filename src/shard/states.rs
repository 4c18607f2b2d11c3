//! How are states read that lie in parts, and how do states in the making become arrays?
//!
//! [`KeptWords`] is one state as a source, whatever parts its planes are in. [`Component`] is the way out: some words of a
//! state that waits in a scratch file, as the array that is written. Words have 64 bits, and values are words of their
//! own type; both move them and compute nothing.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::grid::{Region, copy_overlap, saturating_count};
use crate::plan::KeptState;
use crate::source::{Access, Source, SourceError};
use crate::spill::Spill;

/// Shape of the array of a component: the cells, and the words of each where they are more than one. Without axes a
/// cell has one, for tools that know no arrays without.
pub(super) fn array_shape(cells: &[u64], words: u64) -> Vec<u64> {
    let mut shape = if cells.is_empty() { vec![1] } else { cells.to_vec() };
    if words != 1 {
        shape.push(words);
    }
    shape
}

/// What a set of runs is called: all their names.
pub(super) fn names_of(runs: &[Arc<dyn Source>]) -> String {
    runs.iter().map(|run| run.name()).collect::<Vec<_>>().join(", ")
}

/// Words `first_word` and on of a state, in a scratch file of the cells and then the words.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) state: Arc<Spill>,
    pub(super) name: String,
    pub(super) dtype: DType,
    pub(super) first_word: u64,
    pub(super) words: u64,
    shape: Vec<u64>,
}

impl Component {
    pub(super) fn new(
        state: &Arc<Spill>,
        name: String,
        dtype: DType,
        first_word: u64,
        words: u64,
    ) -> Self {
        let state = Arc::clone(state);
        let cells = &state.shape()[..state.shape().len() - 1];
        let shape = array_shape(cells, words);
        Self { state, name, dtype, first_word, words, shape }
    }
}

impl Source for Component {
    fn name(&self) -> &str {
        &self.name
    }
    fn shape(&self) -> &[u64] {
        &self.shape
    }
    fn dtype(&self) -> DType {
        self.dtype
    }
    fn access(&self) -> Access {
        Access::Random
    }
    fn block_shape(&self) -> &[u64] {
        &self.shape
    }
    fn scratch_bytes(&self) -> u64 {
        self.read_scratch_bytes(&self.shape)
    }
    fn read_scratch_bytes(&self, shape: &[u64]) -> u64 {
        let mut shape = shape.to_vec();
        shape.resize(self.state.shape().len(), 1);
        self.state.read_scratch_bytes(&shape)
    }
    fn stored_bytes(&self) -> u64 {
        saturating_count(&self.shape).saturating_mul(self.dtype.size() as u64)
    }
    fn transport(&self) -> &'static str {
        self.state.transport()
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        self.check_read(region, out)?;
        let cells = self.state.shape().len() - 1;
        let (mut start, mut shape) = (region.start().to_vec(), region.shape().to_vec());
        let (word, words) = match self.words {
            1 => (0, 1),
            _ => (start.pop().unwrap_or(0), shape.pop().unwrap_or(0)),
        };
        start.truncate(cells);
        shape.truncate(cells);
        start.push(self.first_word + word);
        shape.push(words);
        self.state.read(&Region::new(start, shape), out)
    }
}

/// Some planes of a state: an array for each component, in their order.
pub(super) struct Planes {
    /// The part that they are in.
    pub(super) part: PathBuf,
    /// Along the last axis of the cells.
    pub(super) start: u64,
    pub(super) arrays: Vec<Arc<dyn Source>>,
}

/// The words of a state, from parts.
pub(super) struct KeptWords {
    name: String,
    dtype: DType,
    shape: Vec<u64>,
    block: Vec<u64>,
    words_axis: usize,
    /// Axes of `shape` that cells have.
    cell_axes: Vec<usize>,
    /// Words of each component.
    words: Vec<u64>,
    planes: Vec<Planes>,
}

impl KeptWords {
    /// Of planes that together are all of the state's, in their order.
    pub(super) fn new(state: &KeptState, planes: Vec<Planes>) -> Self {
        let shape = state.words_shape().to_vec();
        let cell_axes = state.cell_axes().to_vec();
        let mut block = shape.clone();
        // Chunks of an array are whole in all axes but the last.
        let arrays = planes.iter().filter_map(|planes| planes.arrays.first());
        let of_chunk = arrays.filter_map(|array| {
            array.block_shape().get(cell_axes.len().saturating_sub(1)).copied()
        });
        if let (Some(&last), Some(rows)) = (cell_axes.last(), of_chunk.max()) {
            block[last] = rows.max(1);
        }
        Self {
            name: format!("states of {}", names_of(state.runs())),
            dtype: state.dtype(),
            shape,
            block,
            words_axis: state.words_axis(),
            cell_axes,
            words: state.components().iter().map(|component| component.words).collect(),
            planes,
        }
    }

    fn arrays(&self) -> impl Iterator<Item = &Arc<dyn Source>> {
        self.planes.iter().flat_map(|planes| &planes.arrays)
    }

    /// The cells of a region.
    fn cells_of(&self, region: &Region) -> Region {
        let of = |list: &[u64]| self.cell_axes.iter().map(|&axis| list[axis]).collect::<Vec<_>>();
        Region::new(of(region.start()), of(region.shape()))
    }

    /// The cells of a region that lie in some planes.
    fn cells_in(&self, region: &Region, planes: &Planes) -> Option<Region> {
        let cells = self.cells_of(region);
        let Some(last) = self.cell_axes.len().checked_sub(1) else { return Some(cells) };
        let here = planes.arrays.first().map_or(0, |array| array.shape()[last]);
        let whole = self.cells_of(&Region::whole(&self.shape));
        cells.overlap(&whole.with_axis(last, planes.start, here))
    }

    /// Reads one word of cells that lie in some planes.
    fn read_word(
        &self,
        planes: &Planes,
        (component, word): (usize, u64),
        cells: &Region,
        out: &mut [u8],
    ) -> Result<(), SourceError> {
        let (mut start, mut shape) = (cells.start().to_vec(), cells.shape().to_vec());
        if let Some(first) = start.last_mut() {
            *first -= planes.start;
        } else {
            (start, shape) = (vec![0], vec![1]);
        }
        if self.words[component] != 1 {
            start.push(word);
            shape.push(1);
        }
        planes.arrays[component].read(&Region::new(start, shape), out).map_err(|error| {
            let part = planes.part.display();
            let reason = format!(
                "{}: {}; remove the part {part}, and make it again",
                error.place, error.reason
            );
            SourceError::new(error.name, part.to_string(), reason)
        })
    }
}

impl fmt::Debug for KeptWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptWords({}, {:?} in {} parts)", self.name, self.shape, self.planes.len())
    }
}

impl Source for KeptWords {
    fn name(&self) -> &str {
        &self.name
    }
    fn shape(&self) -> &[u64] {
        &self.shape
    }
    fn dtype(&self) -> DType {
        self.dtype
    }
    fn access(&self) -> Access {
        Access::Random
    }
    fn block_shape(&self) -> &[u64] {
        &self.block
    }
    fn scratch_bytes(&self) -> u64 {
        self.read_scratch_bytes(&self.block)
    }
    fn read_scratch_bytes(&self, shape: &[u64]) -> u64 {
        let cells: Vec<u64> = self.cell_axes.iter().map(|&axis| shape[axis]).collect();
        let one_word = saturating_count(&cells).saturating_mul(self.dtype.size() as u64);
        let of_array = self.arrays().map(|array| {
            let mut shape = if cells.is_empty() { vec![1] } else { cells.clone() };
            shape.resize(array.shape().len(), 1);
            array.read_scratch_bytes(&shape)
        });
        one_word.saturating_add(of_array.max().unwrap_or(0))
    }
    fn stored_bytes(&self) -> u64 {
        self.arrays().map(|array| array.stored_bytes()).fold(0, u64::saturating_add)
    }
    fn transport(&self) -> &'static str {
        "states in parts"
    }

    fn read(&self, region: &Region, out: &mut [u8]) -> Result<(), SourceError> {
        self.check_read(region, out)?;
        let axis = self.words_axis;
        let wanted = region.start()[axis]..region.end(axis);
        let mut missing = self.cells_of(region).len();
        for planes in &self.planes {
            let Some(shared) = self.cells_in(region, planes) else { continue };
            missing -= shared.len();
            let item = self.dtype.size();
            let bytes = shared.len() * item as u64;
            let mut one = Buffer::zeroed(bytes).ok_or_else(|| {
                SourceError::new(&self.name, format!("{region:?}"), "the system has no memory left")
            })?;
            // The box of one word of these cells, among the words.
            let mut place = Region::whole(&self.shape);
            for (k, &axis) in self.cell_axes.iter().enumerate() {
                place = place.with_axis(axis, shared.start()[k], shared.shape()[k]);
            }
            let mut first_word = 0;
            for (component, &words) in self.words.iter().enumerate() {
                let here = first_word.max(wanted.start)..(first_word + words).min(wanted.end);
                for word in here {
                    let of_component = (component, word - first_word);
                    self.read_word(planes, of_component, &shared, &mut one[..bytes as usize])?;
                    copy_overlap(&one, &place.with_axis(axis, word, 1), out, region, item);
                }
                first_word += words;
            }
        }
        assert_eq!(missing, 0, "the planes of all parts are those of the state");
        Ok(())
    }
}

//! Each step of a plan, before and after, in one line of text.

mod cut;
mod draft;
mod fit;
mod intern;
mod narrow;
mod pieces;
mod scaling;
mod share;

use std::sync::Arc;

use super::cut::Way;
use super::cut_outputs;
use super::pass::{Dest, FoldOver, Form, Pass};
use super::share::{Boldness, share};
use crate::dtype::DType;
use crate::grid::Region;
use crate::lazy::LazyArray;
use crate::lazy::testing::text;
use crate::source::{Access, Source, SourceError};

const TIMID: Boldness = Boldness::TIMID;
const MIXED: Boldness = Boldness { mixed: true, chained: false };
const CHAINED: Boldness = Boldness { mixed: false, chained: true };

/// What is left to compute of some results: `1 map subtract(a, mean) -> result 0`.
fn tasks(arrays: &[&LazyArray]) -> Vec<String> {
    let wanted: Vec<(&LazyArray, DType)> = arrays.iter().map(|a| (*a, a.dtype())).collect();
    let line = |task: &super::cut::Task| {
        let form = if task.fold.is_some() { "fold" } else { "map" };
        let dest = match task.dest {
            Dest::Result(index) => format!("result {index}"),
            Dest::Held(_) => "held".to_owned(),
            Dest::Spilled(_) => "on disk".to_owned(),
        };
        format!("{} {form} {} -> {dest}", task.depth, text(&task.root))
    };
    cut_outputs(&wanted, &Way::Either, &[]).tasks.iter().map(line).collect()
}

fn passes_of(arrays: &[&LazyArray], bold: Boldness) -> Vec<Pass> {
    let wanted: Vec<(&LazyArray, DType)> = arrays.iter().map(|a| (*a, a.dtype())).collect();
    share(&cut_outputs(&wanted, &Way::Either, &[]).tasks, bold).passes
}

/// The passes for some results: `fold 1 reads a | b + mask; 2 sums, 3 made, 0 mapped`; parts are
/// between bars, sources that flow together between pluses.
fn passes(arrays: &[&LazyArray], bold: Boldness) -> Vec<String> {
    let line = |pass: &Pass| {
        let form = match &pass.form {
            Form::Fold(FoldOver { axes, grouped }) => {
                let axes: Vec<String> = axes.iter().map(usize::to_string).collect();
                format!("fold {}{}", axes.join(" "), if *grouped { " in groups" } else { "" })
            }
            Form::Map => "map".to_owned(),
            Form::Mixed => "mixed".to_owned(),
        };
        let part = |part: &super::Part| {
            part.feed
                .sources()
                .map(|source| source.name().to_owned())
                .collect::<Vec<_>>()
                .join(" + ")
        };
        let parts: Vec<String> = pass.parts.iter().map(part).collect();
        let made = pass.outputs.iter().map(|output| output.results.len()).sum::<usize>();
        let (sums, mapped) = (pass.sums.len(), pass.emits.len());
        format!("{form} reads {}; {sums} sums, {made} made, {mapped} mapped", parts.join(" | "))
    };
    passes_of(arrays, bold).iter().map(line).collect()
}

/// What a header says, without data: for plans over arrays of any size.
#[derive(Debug)]
struct Header {
    shape: Vec<u64>,
    block: Vec<u64>,
    access: Access,
}

impl Header {
    /// A file of `float32` in blocks of this shape.
    fn lazy(shape: &[u64], block: &[u64]) -> LazyArray {
        let (shape, block, access) = (shape.to_vec(), block.to_vec(), Access::Random);
        LazyArray::from_source(Arc::new(Self { shape, block, access }))
    }

    /// A stream of `float32` volumes.
    fn stream(shape: &[u64]) -> LazyArray {
        let (shape, mut block, access) = (shape.to_vec(), shape.to_vec(), Access::Sequential);
        block[shape.len() - 1] = 1;
        LazyArray::from_source(Arc::new(Self { shape, block, access }))
    }
}

impl Source for Header {
    fn name(&self) -> &'static str {
        "header"
    }
    fn shape(&self) -> &[u64] {
        &self.shape
    }
    fn dtype(&self) -> DType {
        DType::F32
    }
    fn access(&self) -> Access {
        self.access
    }
    fn block_shape(&self) -> &[u64] {
        &self.block
    }
    fn scratch_bytes(&self) -> u64 {
        0
    }
    fn stored_bytes(&self) -> u64 {
        self.shape.iter().product::<u64>() * 4
    }
    fn transport(&self) -> &'static str {
        "test"
    }
    fn read(&self, region: &Region, _out: &mut [u8]) -> Result<(), SourceError> {
        Err(SourceError::new(self.name(), format!("{region:?}"), "there is no data"))
    }
}

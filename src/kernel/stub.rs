use std::sync::Arc;
use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::grid::Region;
use ndarray::ArrayView2;
#[derive(Clone, Debug)]
pub(crate) enum ReduceOp { Sum, Prod, Mean, Var { ddof: u64 }, Std { ddof: u64 }, Min, Max, ArgMin, ArgMax, Quantile { q: f64 }, HistogramBin { edges: Arc<[f64]>, bin: usize }, Coefficient { basis: Arc<Basis>, column: usize }, ResidualSumSquares { basis: Arc<Basis> } }
impl PartialEq for ReduceOp { fn eq(&self, _: &Self) -> bool { todo!() } }
impl Eq for ReduceOp {}
impl std::hash::Hash for ReduceOp { fn hash<H: std::hash::Hasher>(&self, _: &mut H) { todo!() } }
impl ReduceOp { pub(crate) fn name(&self) -> &'static str { "x" } }
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StateKind { pub(crate) counted: bool }
impl StateKind {
    pub(crate) fn for_reduction(_: &ReduceOp, _: DType, _: u64, _: bool, _: u64) -> Self { todo!() }
    pub(crate) fn cell_bytes(&self) -> u64 { todo!() }
    pub(crate) fn finish_bytes(&self, _: u64) -> u64 { todo!() }
    pub(crate) fn text(&self) -> String { todo!() }
}
pub(crate) struct Fold;
impl Fold { pub(crate) fn new(_: &Region, _: &[u64], _: &[usize], _: &Region, _: Option<&Groups>) -> Self { Fold } }
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Groups { pub(crate) axis: usize, pub(crate) labels: Arc<[u32]>, pub(crate) count: u32 }
pub(crate) struct State;
impl State {
    pub(crate) fn new(_: StateKind, _: usize, _: Buffer) -> Self { todo!() }
    pub(crate) fn reset(&mut self, _: usize) {}
    pub(crate) fn update_bytes(&mut self, _: DType, _: &[u8], _: Option<&[u8]>, _: usize, _: &Fold) {}
}
pub(crate) struct Part<'a> { pub(crate) state: &'a State, pub(crate) count: u64, pub(crate) slope: f64, pub(crate) inter: f64, pub(crate) first_cell: usize, pub(crate) place: &'a Place }
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place { pub(crate) start: Vec<u64>, pub(crate) shape: Vec<u64>, pub(crate) whole: Vec<u64> }
pub(crate) fn finish(_: &ReduceOp, _: DType, _: &[Part<'_>], _: &mut [u8], _: &mut [u8]) -> Result<(), FinishFault> { todo!() }
pub(crate) enum FinishFault { Overflow { cell: usize }, NoSample { cell: usize } }
#[derive(Clone, Debug)]
pub(crate) struct Basis;
impl Basis { pub(crate) fn new(_: ArrayView2<'_, f64>) -> Result<Self, String> { todo!() } pub(crate) fn columns(&self) -> usize { 0 } }

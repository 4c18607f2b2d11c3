//! Every reduction against its plain twin: random boxes, axes, masks, groups, cuts and parts.

mod model;
mod projection;

use std::sync::Arc;

use proptest::prelude::*;

use super::state::Value;
use super::{
    FinishFault, Fold, Groups, QuantileMethod, ReduceOp, Span, State, StateKind, Summed, finish,
};
use crate::buffer::Buffer;
use crate::dtype::DType;
use crate::grid::Region;
use model::{Random, c_index, indices, memory_index, reduce, samples, value};

/// One part: samples of a box, which of its axes go, and who is left out.
#[derive(Clone, Debug)]
struct Case {
    dtype: DType,
    shape: Vec<u64>,
    reduced: Vec<usize>,
    groups: Option<(usize, Arc<[u32]>, u32)>,
    bytes: Vec<u8>,
    mask: Option<Vec<u8>>,
}

impl Case {
    fn kept(&self) -> Vec<usize> {
        (0..self.shape.len()).filter(|axis| !self.reduced.contains(axis)).collect()
    }

    fn cells(&self) -> Vec<u64> {
        let of = |&axis: &usize| match &self.groups {
            Some((grouped, _, count)) if *grouped == axis => u64::from(*count),
            _ => self.shape[axis],
        };
        self.kept().iter().map(of).collect()
    }

    fn cell_count(&self) -> usize {
        self.cells().iter().product::<u64>() as usize
    }

    fn samples_a_cell(&self) -> u64 {
        let grouped = self.groups.iter().map(|(axis, _, _)| self.shape[*axis]);
        self.reduced.iter().map(|&axis| self.shape[axis]).chain(grouped).product()
    }

    fn counted(&self) -> bool {
        self.mask.is_some() || self.groups.is_some()
    }

    fn kind(&self, op: &ReduceOp) -> StateKind {
        StateKind::for_reduction(op, self.dtype, self.samples_a_cell(), self.counted(), 0)
    }

    /// The state of all cells, fed in blocks and pieces of random size.
    fn state(&self, op: &ReduceOp, cuts: &mut Random) -> State {
        let kind = self.kind(op);
        let cells = self.cell_count();
        let buffer = Buffer::zeroed(cells as u64 * kind.cell_bytes()).unwrap();
        let mut state = State::new(kind, cells, buffer);
        let groups = self
            .groups
            .as_ref()
            .map(|(axis, labels, count)| Groups::new(*axis, Arc::clone(labels), *count));
        for block in self.blocks(cuts) {
            let fold = Fold::new(
                &block,
                &self.shape,
                &self.reduced,
                &Region::whole(&self.cells()),
                groups.as_ref(),
            );
            let size = self.dtype.size();
            let (mut bytes, mut mask) = (Vec::new(), Vec::new());
            for index in indices(&block) {
                let at = memory_index(&index, &self.shape);
                bytes.extend_from_slice(&self.bytes[at * size..][..size]);
                mask.extend(self.mask.as_ref().map(|mask| mask[at]));
            }
            // Aligned, as leased buffers are.
            let mut aligned = Buffer::zeroed(bytes.len() as u64).unwrap();
            aligned.copy_from_slice(&bytes);
            let mut at = 0;
            while at < block.len() as usize {
                let len = (1 + cuts.below(40) as usize).min(block.len() as usize - at);
                let mask = self.mask.is_some().then(|| &mask[at..at + len]);
                let values = &aligned[at * size..(at + len) * size];
                state.update_bytes(self.dtype, values, mask, at, &fold);
                at += len;
            }
        }
        state
    }

    /// Blocks that bring the samples of each cell in memory order: cut anywhere along kept axes, and
    /// along the slowest of the others.
    fn blocks(&self, cuts: &mut Random) -> Vec<Region> {
        let grouped = self.groups.as_ref().map(|(axis, _, _)| *axis);
        let slowest = self.reduced.iter().copied().chain(grouped).max();
        let mut blocks = vec![Region::whole(&self.shape)];
        let free = (0..self.shape.len())
            .filter(|axis| !self.reduced.contains(axis) && grouped != Some(*axis));
        for axis in slowest.into_iter().chain(free) {
            let n = self.shape[axis];
            let cut = cuts.below(n + 1);
            let halves = |block: &Region| {
                [block.with_axis(axis, 0, cut), block.with_axis(axis, cut, n - cut)]
            };
            blocks = blocks.iter().flat_map(halves).filter(|block| !block.is_empty()).collect();
        }
        blocks
    }

    /// The samples of every cell in memory order, each with its index over the reduced axes.
    fn lists(&self) -> Vec<Vec<(Value, Vec<u64>)>> {
        let mut lists = vec![Vec::new(); self.cell_count()];
        let cells = self.cells();
        for (at, index) in indices(&Region::whole(&self.shape)).enumerate() {
            if self.mask.as_ref().is_some_and(|mask| mask[at] == 0) {
                continue;
            }
            let mut cell: Vec<u64> = Vec::new();
            for axis in self.kept() {
                cell.push(match &self.groups {
                    Some((grouped, labels, _)) if *grouped == axis => {
                        u64::from(labels[index[axis] as usize])
                    }
                    _ => index[axis],
                });
            }
            if cell.iter().zip(&cells).all(|(i, n)| i < n) {
                let place = self.reduced.iter().map(|&axis| index[axis]).collect();
                let sample = value(self.dtype, &self.bytes, at);
                lists[memory_index(&cell, &cells)].push((sample, place));
            }
        }
        lists
    }
}

/// All operations, with parameters.
fn operations() -> Vec<ReduceOp> {
    let edges: Arc<[f64]> = [-3.0, -1.0, 0.0, 0.5, 2.0, 2.0, 1003.0, 1007.5].into();
    let bins =
        (0..edges.len() - 1).map(|bin| ReduceOp::HistogramBin { edges: Arc::clone(&edges), bin });
    let methods = [
        QuantileMethod::Linear,
        QuantileMethod::Lower,
        QuantileMethod::Higher,
        QuantileMethod::Midpoint,
    ];
    let quantiles = [0.0, 0.25, 0.37, 0.5, 0.9, 1.0]
        .into_iter()
        .flat_map(|q| methods.map(|method| ReduceOp::Quantile { q, method }));
    [
        ReduceOp::Sum,
        ReduceOp::Prod,
        ReduceOp::Mean,
        ReduceOp::Var { ddof: 0 },
        ReduceOp::Var { ddof: 1 },
        ReduceOp::Std { ddof: 0 },
        ReduceOp::Min,
        ReduceOp::Max,
        ReduceOp::ArgMin,
        ReduceOp::ArgMax,
        ReduceOp::Mad,
    ]
    .into_iter()
    .chain(quantiles)
    .chain(bins)
    .collect()
}

fn result_dtype(op: &ReduceOp, dtype: DType, scaled: bool) -> DType {
    match op {
        ReduceOp::ArgMin | ReduceOp::ArgMax | ReduceOp::HistogramBin { .. } => DType::I64,
        _ if scaled => DType::F64,
        ReduceOp::Min | ReduceOp::Max => dtype,
        ReduceOp::Sum | ReduceOp::Prod if dtype.is_signed_int() => DType::I64,
        ReduceOp::Sum | ReduceOp::Prod if !dtype.is_float() => DType::U64,
        _ => DType::F64,
    }
}

/// Results cell by cell, `None` where there is a fault.
fn finish_cells(
    op: &ReduceOp,
    dtype: DType,
    parts: &[Summed<'_>],
    cells: usize,
    samples: u64,
) -> Vec<Option<u64>> {
    let mut scratch = Buffer::zeroed(8 * samples).unwrap();
    (0..cells)
        .map(|cell| {
            let parts: Vec<Summed<'_>> =
                parts.iter().map(|part| Summed { first_cell: cell, ..*part }).collect();
            let mut word = [0_u64];
            let out = bytemuck::cast_slice_mut(&mut word);
            finish(op, dtype, &parts, &mut scratch, out).ok().map(|()| word[0])
        })
        .collect()
}

fn single<'a>(state: &'a State, count: u64, span: &'a Span) -> Summed<'a> {
    Summed { state, count, slope: 1.0, inter: 0.0, first_cell: 0, span }
}

fn cases() -> impl Strategy<Value = Case> {
    let shape =
        prop::collection::vec(prop_oneof![1 => Just(0_u64), 4 => Just(1), 15 => 2..6_u64], 1..5);
    (shape, 0..DType::ALL.len(), any::<[bool; 4]>(), any::<[bool; 3]>(), 0..8_usize, any::<u64>())
        .prop_map(|(shape, dtype, goes, [masked, wild, grouping], grouped, seed)| {
            let dtype = DType::ALL[dtype];
            let mut random = Random(seed);
            let grouped = (grouping && grouped < shape.len()).then_some(grouped);
            let reduced =
                (0..shape.len()).filter(|&axis| goes[axis] && grouped != Some(axis)).collect();
            let elements = shape.iter().product::<u64>();
            let groups = grouped.map(|axis| {
                let count = 1 + random.below(3) as u32;
                // One label too many is in no group.
                let labels = (0..shape[axis]).map(|_| random.below(u64::from(count) + 1) as u32);
                (axis, labels.collect(), count)
            });
            let mask = masked.then(|| (0..elements).map(|_| random.below(3) as u8).collect());
            let bytes = samples(dtype, elements, wild, &mut random);
            Case { dtype, shape, reduced, groups, bytes, mask }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_reduction_is_that_of_a_plain_loop_and_cuts_and_spans_change_no_bit(
        case in cases(),
        seed: u64,
    ) {
        let lists = case.lists();
        let reduced: Vec<u64> = case.reduced.iter().map(|&axis| case.shape[axis]).collect();
        let whole = Span { start: vec![0; reduced.len()], shape: reduced.clone(), whole: reduced };
        let elsewhere = Span { start: vec![3; whole.start.len()], ..whole.clone() };
        let count = case.samples_a_cell();
        for op in operations() {
            let dtype = result_dtype(&op, case.dtype, false);
            let second = if case.kind(&op).depends_on_span() { &whole } else { &elsewhere };
            let results = [(seed, &whole), (seed ^ 1, second)].map(|(seed, span)| {
                let state = case.state(&op, &mut Random(seed));
                let part = single(&state, count, span);
                finish_cells(&op, dtype, &[part], case.cell_count(), count)
            });
            prop_assert_eq!(&results[0], &results[1], "{}", op.name());
            for (list, got) in lists.iter().zip(&results[0]) {
                let list: Vec<(Value, u64)> =
                    list.iter().map(|(v, index)| (*v, c_index(index, &whole.whole))).collect();
                // Grouped samples of one place have no order but that of arrival.
                let placed = matches!(op, ReduceOp::ArgMin | ReduceOp::ArgMax);
                if placed && case.groups.is_some() {
                    continue;
                }
                let want = reduce(&op, dtype, &list);
                prop_assert!(want.is_met(*got), "{op:?} {dtype}: {want:?}, got {got:?}: {list:?}");
            }
        }
    }

    #[test]
    fn parts_with_scalings_of_their_own_give_the_reduction_of_the_true_values(
        case in cases().prop_filter("parts lie along a reduced axis", |case| {
            case.groups.is_none() && !case.reduced.is_empty()
        }),
        seed: u64,
        slopes in prop::collection::vec(prop_oneof![Just(1.0), Just(0.25), Just(-2.0)], 3),
        inters in prop::collection::vec(prop_oneof![Just(0.0), Just(7.5)], 3),
        same: bool,
    ) {
        let mut random = Random(seed);
        let axis = case.reduced[random.below(case.reduced.len() as u64) as usize];
        let along = case.reduced.iter().position(|&a| a == axis).unwrap();
        let n = case.shape[axis];
        let (first, second) = (random.below(n + 1), random.below(n + 1));
        let bounds = [0, first.min(second), first.max(second), n];
        let size = case.dtype.size();
        let parts: Vec<Case> = bounds.windows(2).map(|bound| {
            let box_of_part = Region::whole(&case.shape).with_axis(axis, bound[0], bound[1] - bound[0]);
            let at: Vec<usize> =
                indices(&box_of_part).map(|index| memory_index(&index, &case.shape)).collect();
            Case {
                shape: box_of_part.shape().to_vec(),
                bytes: at.iter().flat_map(|&i| case.bytes[i * size..][..size].to_vec()).collect(),
                mask: case.mask.as_ref().map(|mask| at.iter().map(|&i| mask[i]).collect()),
                ..case.clone()
            }
        }).collect();
        let whole: Vec<u64> = case.reduced.iter().map(|&axis| case.shape[axis]).collect();
        for op in operations() {
            let scaling = |part: usize| match (op.takes_scaling(), same) {
                (false, _) => (1.0, 0.0),
                (true, true) => (slopes[0], inters[0]),
                (true, false) => (slopes[part], inters[part]),
            };
            let scaled = (0..3).any(|part| scaling(part) != (1.0, 0.0));
            let dtype = result_dtype(&op, case.dtype, scaled);
            let states: Vec<State> =
                parts.iter().map(|part| part.state(&op, &mut random)).collect();
            let spans: Vec<Span> = parts.iter().zip(&bounds).map(|(part, start)| {
                let mut span = Span {
                    start: vec![0; whole.len()],
                    shape: part.reduced.iter().map(|&axis| part.shape[axis]).collect(),
                    whole: whole.clone(),
                };
                span.start[along] = *start;
                span
            }).collect();
            let joined: Vec<Summed<'_>> = (0..3).map(|part| Summed {
                slope: scaling(part).0,
                inter: scaling(part).1,
                ..single(&states[part], parts[part].samples_a_cell(), &spans[part])
            }).collect();
            let got = finish_cells(&op, dtype, &joined, case.cell_count(), case.samples_a_cell());
            let mut lists = vec![Vec::new(); case.cell_count()];
            for (part, of_part) in parts.iter().enumerate() {
                let (slope, inter) = scaling(part);
                for (list, samples) in lists.iter_mut().zip(of_part.lists()) {
                    list.extend(samples.into_iter().map(|(sample, index)| {
                        let true_value = if scaled {
                            Value::Float(sample.to_f64() * slope + inter)
                        } else {
                            sample
                        };
                        let mut index = index;
                        index[along] += bounds[part];
                        (true_value, c_index(&index, &whole))
                    }));
                }
            }
            for (list, got) in lists.iter().zip(got) {
                let want = reduce(&op, dtype, list);
                // Scaled 64-bit extremes may tie as floats and not as integers.
                let placed = matches!(op, ReduceOp::ArgMin | ReduceOp::ArgMax);
                if placed && scaled && case.dtype.size() == 8 && !case.dtype.is_float() {
                    continue;
                }
                prop_assert!(want.is_met(got), "{op:?} {dtype}: {want:?}, got {got:?}: {list:?}");
            }
        }
    }
}

#[test]
fn sums_of_the_longest_series_of_the_largest_values_are_exact() {
    let extremes = [
        (DType::U16, 1_u64 << 21, i128::from(u16::MAX)),
        (DType::I16, 1 << 21, i128::from(i16::MIN)),
        (DType::U16, (1 << 21) + 5, i128::from(u16::MAX)),
        (DType::I16, (1 << 22) + 5, i128::from(i16::MIN)),
        (DType::U32, 1 << 20, i128::from(u32::MAX)),
        (DType::I32, 1 << 20, i128::from(i32::MIN)),
    ];
    let batches = [|_: u64| 1021, |rows: u64| rows];
    for ((dtype, rows, value), batch) in extremes.iter().flat_map(|of| batches.map(|b| (*of, b))) {
        let batch = batch(rows);
        let kind = StateKind::for_reduction(&ReduceOp::Sum, dtype, rows, false, 0);
        let buffer = Buffer::zeroed(kind.cell_bytes()).unwrap();
        let mut state = State::new(kind, 1, buffer);
        let size = dtype.size();
        let bytes: Vec<u8> = value.to_le_bytes()[..size].repeat(batch as usize);
        let mut aligned = Buffer::zeroed(bytes.len() as u64).unwrap();
        aligned.copy_from_slice(&bytes);
        let mut row = 0;
        while row < rows {
            let len = (rows - row).min(batch);
            let block = Region::new(vec![0, row], vec![1, len]);
            let fold = Fold::new(&block, &[1, rows], &[1], &Region::whole(&[1]), None);
            state.update_bytes(dtype, &aligned[..len as usize * size], None, 0, &fold);
            row += len;
        }
        let span = Span::default();
        let part = single(&state, rows, &span);
        let sum = finish_cells(&ReduceOp::Sum, DType::I64, &[part], 1, 0);
        assert_eq!(sum, [Some((value * i128::from(rows)) as u64)], "{dtype}");
        let var = finish_cells(&ReduceOp::Var { ddof: 0 }, DType::F64, &[part], 1, 0);
        assert_eq!(var, [Some(0.0_f64.to_bits())], "{dtype}");
    }
}

#[test]
fn a_fault_names_its_first_cell() {
    let of = |op: &ReduceOp, mask: [u8; 4]| {
        let kind = StateKind::for_reduction(op, DType::I64, 2, true, 0);
        let buffer = Buffer::zeroed(2 * kind.cell_bytes()).unwrap();
        let mut state = State::new(kind, 2, buffer);
        let block = Region::whole(&[2, 2]);
        let fold = Fold::new(&block, &[2, 2], &[1], &Region::whole(&[2]), None);
        state.update(&[1, i64::MAX, 1, i64::MAX], Some(&mask), 0, &fold);
        let span = Span { start: vec![0], shape: vec![2], whole: vec![2] };
        let mut out = [0_u64; 2];
        let bytes = bytemuck::cast_slice_mut(&mut out);
        finish(op, DType::I64, &[single(&state, 2, &span)], &mut [], bytes).map(|()| out)
    };
    assert_eq!(of(&ReduceOp::Sum, [1; 4]), Err(FinishFault::Overflow { cell: 1 }));
    assert_eq!(of(&ReduceOp::Sum, [1, 1, 1, 0]), Ok([2, i64::MAX as u64]));
    assert_eq!(of(&ReduceOp::Prod, [1; 4]), Err(FinishFault::Overflow { cell: 1 }));
    assert_eq!(of(&ReduceOp::Max, [0, 1, 0, 1]), Err(FinishFault::NoSample { cell: 0 }));
    assert_eq!(of(&ReduceOp::ArgMax, [1, 0, 1, 0]), Err(FinishFault::NoSample { cell: 1 }));
    assert_eq!(of(&ReduceOp::ArgMin, [1, 0, 0, 1]), Ok([0, 1]));
}

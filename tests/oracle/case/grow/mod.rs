//! Which operation a step means, over the arrays there are.

mod combine;
mod patterns;
mod reductions;
mod structures;

use super::{Dice, Program};
use crate::strategies::Step;

/// What makes the next node, from what there is.
type Rule = fn(&mut Growing<'_>) -> Option<usize>;

/// Each as often as it stands here.
const RULES: [Rule; 51] = [
    structures::slice,
    structures::slice,
    structures::slice,
    structures::slice_axis,
    structures::take,
    structures::take,
    structures::reorder,
    structures::reorder,
    structures::squeeze,
    structures::expand_dims,
    structures::broadcast_to,
    structures::flip,
    structures::reshape,
    structures::rechunk,
    combine::concatenate,
    combine::concatenate,
    combine::concatenate,
    combine::stack,
    combine::constant,
    combine::unary,
    combine::unary,
    combine::unary,
    combine::clip,
    combine::cast,
    combine::cast,
    combine::binary,
    combine::binary,
    combine::binary,
    combine::binary,
    combine::with_number,
    combine::with_number,
    combine::with_number,
    combine::choose,
    combine::map_blocks,
    reductions::reduce,
    reductions::reduce,
    reductions::reduce,
    reductions::reduce,
    reductions::reduce,
    reductions::reduce,
    reductions::group,
    reductions::project,
    reductions::map_axis,
    patterns::volume_and_its_mean,
    patterns::tsnr,
    patterns::z_score,
    patterns::dvars,
    patterns::masked_series,
    patterns::joined_reduction,
    patterns::joined_reduction,
    patterns::two_masks,
];

/// A program and what decides how it goes on.
struct Growing<'p> {
    program: &'p mut Program,
    step: &'p Step,
    dice: Dice,
}

/// Adds what the step means, if there is something.
pub(super) fn take(program: &mut Program, step: &Step) {
    let dice = Dice(step.seed);
    let rule = RULES[usize::from(step.rule) % RULES.len()];
    rule(&mut Growing { program, step, dice });
}

impl Growing<'_> {
    fn shape(&self, of: usize) -> Vec<usize> {
        self.program.twins[of].shape.clone()
    }

    /// One of the arrays that fit. Later ones are taken more often: expressions get deep.
    fn choose(&mut self, fits: impl Fn(&Program, usize) -> bool) -> Option<usize> {
        let fitting: Vec<usize> =
            (0..self.program.nodes.len()).filter(|&i| fits(self.program, i)).collect();
        if fitting.is_empty() {
            return None;
        }
        let recent = fitting.len().min(3);
        let from = if self.dice.one_in(2) { fitting.len() - recent } else { 0 };
        Some(self.dice.one_of(&fitting[from..]))
    }

    fn any(&mut self) -> Option<usize> {
        self.choose(|_, _| true)
    }

    fn with_axes(&mut self) -> Option<usize> {
        self.choose(|program, i| !program.twins[i].shape.is_empty())
    }

    /// An axis of so many, counted from either end.
    fn axis(&mut self, ndim: usize) -> isize {
        let axis = self.dice.below(ndim) as isize;
        self.signed(axis, ndim)
    }

    fn signed(&mut self, axis: isize, ndim: usize) -> isize {
        if self.dice.one_in(2) { axis } else { axis - ndim as isize }
    }

    /// Several axes in any order, at least one; `None` for all of them.
    fn axes(&mut self, ndim: usize) -> Option<Vec<isize>> {
        if self.dice.one_in(4) {
            return None;
        }
        let count = self.dice.below(ndim) + 1;
        let mut all: Vec<isize> = (0..ndim as isize).collect();
        let mut picked = Vec::new();
        for _ in 0..count {
            let one = all.remove(self.dice.below(all.len()));
            picked.push(self.signed(one, ndim));
        }
        Some(picked)
    }
}

//! What occurred in the cases of a test, counted by name.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::case::{Kind, Node, Program};
use crate::strategies::Case;
use crate::twin::{Binary, Reduction, Unary};
use voxstore::{DType, Explanation};

#[derive(Debug, Default)]
pub(crate) struct Coverage(RefCell<BTreeMap<String, u64>>);

impl Coverage {
    pub(crate) fn note(&self, name: impl Into<String>) {
        *self.0.borrow_mut().entry(name.into()).or_default() += 1;
    }

    pub(crate) fn count(&self, name: &str) -> u64 {
        self.0.borrow().get(name).copied().unwrap_or(0)
    }

    pub(crate) fn note_case(&self, case: &Case, program: &Program) {
        self.note("cases");
        let split = |spec: &crate::strategies::SourceSpec| {
            (0..spec.shape.len()).all(|a| spec.shape[a] > spec.block[a])
        };
        if case.sources.iter().all(split) {
            self.note("cases of more than one block on every axis");
        }
        for source in &case.sources {
            self.note(format!("dtype {}", source.dtype));
            self.note(format!("source {:?}", Kind::mixed(case, source)));
            self.note(format!("style {:?}", source.style));
            if source.scaling.is_some() {
                self.note("scaling");
            }
            if source.shape.contains(&0) {
                self.note("empty");
            }
        }
        for (node, twin) in program.nodes.iter().zip(&program.twins) {
            self.note(node.name());
            self.note_options(node);
            self.note(format!("result {}", twin.dtype));
            if let crate::twin::Cells::Float(list) = &twin.cells {
                let bounded = list.iter().filter(|v| v.is_known()).count() as u64;
                let mut counts = self.0.borrow_mut();
                *counts.entry("floats checked".to_owned()).or_default() += bounded;
                *counts.entry("floats left to rounding".to_owned()).or_default() +=
                    list.len() as u64 - bounded;
            }
        }
    }

    /// Notes what a plan does.
    pub(crate) fn note_plan(&self, plan: &Explanation) {
        if plan.passes.len() > 1 {
            self.note("more than one pass");
        }
        if plan.passes.iter().any(|pass| pass.sources.len() > 1) {
            self.note("a pass over more than one source");
        }
    }

    fn note_options(&self, node: &Node) {
        if let Node::WithNumber(_, _, number, _) = node {
            self.note(format!("number {}", number.name()));
        }
        let Node::Reduce(op, _, axes, options) = node else { return };
        if matches!(op, Reduction::Var | Reduction::Std) {
            self.note(format!("{} ddof {}", op.name(), options.ddof));
        }
        match axes {
            None => self.note("over all axes"),
            Some(axes) => self.note(format!("over {} axes", axes.len())),
        }
        let with = |wanted: bool, name: &str| {
            if wanted {
                self.note(format!("{} {name}", op.name()));
            }
        };
        with(options.keepdims, "keepdims");
        with(options.skip_nan, "skip_nan");
        with(options.mask.is_some(), "mask");
    }

    /// Asserts that something occurred.
    pub(crate) fn assert_seen(&self, name: &str) {
        assert!(self.count(name) > 0, "no case had {name}");
    }

    /// Prints all of it and asserts that everything occurred.
    pub(crate) fn assert_full(&self) {
        for (name, count) in self.0.borrow().iter() {
            println!("{count:>8} {name}");
        }
        let cases = self.count("cases");
        let split = self.count("cases of more than one block on every axis");
        assert!(2 * split >= cases, "{split} of {cases} cases are split on every axis");
        for name in expected() {
            self.assert_seen(&name);
        }
        let (checked, left) = (self.count("floats checked"), self.count("floats left to rounding"));
        assert!(left * 4 <= checked, "{left} floats are not claimed, {checked} are");
    }
}

/// Everything there is: types, sources, operations, and ways to ask for them.
fn expected() -> Vec<String> {
    let mut names = Vec::new();
    for dtype in DType::ALL {
        names.extend(
            ["dtype", "result", "Refuse to", "Wrap to", "Saturate to"]
                .map(|what| format!("{what} {dtype}")),
        );
    }
    names.extend(Kind::ALL.iter().map(|kind| format!("source {kind:?}")));
    for op in Binary::ALL {
        names.push(format!("{op:?}"));
        names.push(format!("{op:?} with a number"));
        if op.is_operator() {
            names.push(format!("{op:?} from a number"));
        }
    }
    names.extend(["i64", "i32", "u32", "f64", "f32", "bool"].map(|of| format!("number {of}")));
    names.extend(Unary::ALL.iter().map(|op| op.name()));
    for op in Reduction::ALL {
        names.push(op.name());
        names.extend(["keepdims", "skip_nan", "mask"].map(|way| format!("{} {way}", op.name())));
    }
    for op in ["Var", "Std"] {
        names.extend((0..=2).map(|ddof| format!("{op} ddof {ddof}")));
    }
    for op in ["Sum", "Prod", "Mean", "Var", "Std", "Min", "Max"] {
        names.push(format!("{op} of groups"));
    }
    for fit in ["Coefficients", "ResidualSumSquares", "ResidualVar", "ResidualStd"] {
        names.push(fit.to_owned());
    }
    names.extend((1..=4).map(|n| format!("concatenate {n}")));
    names.extend((1..=3).map(|n| format!("over {n} axes")));
    let others = "slice slice_axis take transpose swapaxes moveaxis squeeze expand_dims broadcast_to \
                  flip reshape rechunk stack full arange clip where diff scaling empty";
    names.extend(others.split_whitespace().map(str::to_owned));
    let phrases = [
        "where with number",
        "map_blocks Line",
        "map_blocks Above",
        "map_axis Reverse",
        "map_axis Ends",
        "over all axes",
        "floats checked",
        "fault Expression",
        "fault Overflow",
        "fault NoSample",
        "fault Cast",
        "more than one pass",
        "a pass over more than one source",
    ];
    names.extend(phrases.map(str::to_owned));
    names
}

//! What occurred in the cases of a test, counted by name.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::case::{Kind, Node, Program};
use crate::strategies::Case;
use voxstore::DType;

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
            self.note(match node {
                Node::Source(_) => "leaf".to_owned(),
                Node::Slice(..) => "slice".to_owned(),
                Node::Concatenate(of, _) => format!("concatenate {}", of.len()),
                Node::Binary(op, ..) => format!("binary {op:?}"),
                Node::WithNumber(op, _, number, _) => {
                    format!("{op:?} with {}", format!("{number:?}").split('(').next().unwrap())
                }
                Node::Reduce(op, _, _, ddof) => format!("{op:?} ddof {ddof}"),
            });
            if let crate::twin::Cells::Float(list) = &twin.cells {
                let bounded = list.iter().filter(|v| v.bound < f64::INFINITY).count() as u64;
                let mut counts = self.0.borrow_mut();
                *counts.entry("floats checked".to_owned()).or_default() += bounded;
                *counts.entry("floats left to rounding".to_owned()).or_default() +=
                    list.len() as u64 - bounded;
            }
        }
    }

    /// Prints all of it and asserts that everything occurred.
    pub(crate) fn assert_full(&self) {
        for (name, count) in self.0.borrow().iter() {
            println!("{count:>8} {name}");
        }
        let cases = self.count("cases");
        let split = self.count("cases of more than one block on every axis");
        assert!(2 * split >= cases, "{split} of {cases} cases are split on every axis");
        let mut names: Vec<String> = DType::ALL[1..].iter().map(|d| format!("dtype {d}")).collect();
        names.extend(Kind::ALL.iter().map(|k| format!("source {k:?}")));
        for op in ["Add", "Subtract", "Multiply", "Divide"] {
            names.push(format!("binary {op}"));
            names.extend(["I64", "F64", "F32"].iter().map(|n| format!("{op} with {n}")));
        }
        for op in ["Sum", "Mean", "Var", "Std"] {
            names.extend((0..=2).map(|ddof| format!("{op} ddof {ddof}")));
        }
        names.extend((1..=4).map(|n| format!("concatenate {n}")));
        names.extend(["slice", "scaling", "empty", "floats checked"].map(str::to_owned));
        for name in names {
            assert!(self.count(&name) > 0, "no case had {name}");
        }
        let (checked, left) = (self.count("floats checked"), self.count("floats left to rounding"));
        assert!(left * 4 <= checked, "{left} floats are not claimed, {checked} are");
    }
}

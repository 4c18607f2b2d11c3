//! Every expression of the file, from memory and from blocks, alone and with others.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use voxstore::{DType, LazyArray, Session};

use crate::build::build;
use crate::compare::compare;
use crate::compute::{Computed, compute};
use crate::file::{Case, Oracle};
use crate::inputs::{From, Inputs};

/// Failures that are told one by one.
const TOLD: usize = 60;
/// Expressions computed in one go on two threads.
const TOGETHER: usize = 24;

#[test]
fn expressions_have_numpys_types_shapes_and_numbers() {
    let oracle = Oracle::read();
    let inputs = Inputs::new(&oracle, From::Memory);
    let session = session(1);
    let mut failures = Failures::default();
    for case in &oracle.cases {
        failures.note(case, alone(case, &inputs, &session).and_then(|ours| compare(case, &ours)));
    }
    print_coverage(&oracle);
    failures.finish(oracle.cases.len());
}

#[test]
fn blocks_threads_and_company_change_no_bit() {
    let oracle = Oracle::read();
    let memory = Inputs::new(&oracle, From::Memory);
    let blocks = Inputs::new(&oracle, From::Blocks);
    let (one, two) = (session(1), session(2));
    let mut failures = Failures::default();
    let mut by_type: BTreeMap<DType, Vec<(&Case, LazyArray, Computed)>> = BTreeMap::new();
    for case in &oracle.cases {
        // What fails here is told by the test above.
        let Ok(expected) = alone(case, &memory, &one) else { continue };
        failures.note(case, alone(case, &blocks, &one).and_then(|ours| same(&ours, &expected)));
        if let Ok(array) = caught(|| Ok(build(&case.tree, &blocks).array())) {
            by_type.entry(array.dtype()).or_default().push((case, array, expected));
        }
    }
    for of_type in by_type.values() {
        for group in of_type.chunks(TOGETHER) {
            let arrays: Vec<&LazyArray> = group.iter().map(|(_, array, _)| array).collect();
            match caught(|| compute(&arrays, &two).map_err(|e| e.to_string())) {
                Ok(all) => {
                    for ((case, _, expected), ours) in group.iter().zip(&all) {
                        failures.note(case, same(ours, expected));
                    }
                }
                Err(problem) => {
                    let names: Vec<&str> = group.iter().map(|(c, ..)| c.name.as_str()).collect();
                    failures.note(group[0].0, Err(format!("{problem}, one of {names:?}")));
                }
            }
        }
    }
    failures.finish(oracle.cases.len());
}

fn session(threads: usize) -> Session {
    Session::builder().threads(threads).memory_bytes(256 << 20).build().unwrap()
}

fn alone(case: &Case, inputs: &Inputs<'_>, session: &Session) -> Result<Computed, String> {
    caught(|| {
        let array = build(&case.tree, inputs).array();
        array.check().map_err(|e| e.to_string())?;
        let declared = array.shape().to_vec();
        let ours = compute(&[&array], session).map_err(|e| e.to_string())?.remove(0);
        if ours.shape == declared {
            Ok(ours)
        } else {
            Err(format!("declared {declared:?}, computed {:?}", ours.shape))
        }
    })
}

fn same(ours: &Computed, expected: &Computed) -> Result<(), String> {
    if ours.same_bits(expected) {
        Ok(())
    } else {
        Err(format!("{ours:?}, from memory it was {expected:?}"))
    }
}

/// A panic is a failure like others: the rest is still tried.
pub(crate) fn caught<T>(f: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Err(format!("panics: {}", text.unwrap_or_default()))
    })
}

#[derive(Default)]
struct Failures(Vec<String>);

impl Failures {
    fn note(&mut self, case: &Case, outcome: Result<(), String>) {
        if let Err(problem) = outcome {
            self.0.push(format!("{}: {problem}\n    {}", case.name, case.tree.json()));
        }
    }

    fn finish(&self, cases: usize) {
        let told: Vec<&str> = self.0.iter().take(TOLD).map(String::as_str).collect();
        assert!(self.0.is_empty(), "{} of {cases}:\n{}", self.0.len(), told.join("\n"));
    }
}

fn print_coverage(oracle: &Oracle) {
    let mut by_op: BTreeMap<&str, usize> = BTreeMap::new();
    let mut by_dtype: BTreeMap<DType, usize> = BTreeMap::new();
    for case in &oracle.cases {
        let mut ops = Vec::new();
        case.tree.each_op(&mut |op| ops.push(op));
        ops.sort_unstable();
        ops.dedup();
        for op in ops {
            *by_op.entry(op).or_default() += 1;
        }
        *by_dtype.entry(case.numpy.dtype).or_default() += 1;
    }
    println!("{} expressions, of which use", oracle.cases.len());
    for (op, count) in &by_op {
        println!("{count:6}  {op}");
    }
    println!("and give");
    for (dtype, count) in &by_dtype {
        println!("{count:6}  {dtype}");
    }
    assert_eq!(by_dtype.len(), DType::ALL.len(), "a type is the result of no expression");
}

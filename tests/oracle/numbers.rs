//! Every number is the one numpy would give, to the documented accuracy.

use ndarray::ArrayD;
use voxstore::{Element, ExecError, LazyArray, PlanError, Session};

use crate::case::{Kind, Program, integer, lazy, with_type};
use crate::coverage::Coverage;
use crate::strategies::{case, check};
use crate::twin::{Cells, Fault, Twin, agrees, promote};

/// Asserts that `got` is what the twin says.
pub(crate) fn assert_agrees<T: Element>(want: &Twin, got: &ArrayD<T>, what: &str) {
    assert_eq!(got.shape(), want.shape, "{what}");
    // The transpose in its logical order visits axis 0 fastest.
    let got = got.t();
    match &want.cells {
        Cells::Int(list) => {
            for (k, (want, got)) in list.iter().zip(got).enumerate() {
                assert_eq!(*want, integer(*got), "{what}: element {k}");
            }
        }
        Cells::Float(list) => {
            for (k, (want, got)) in list.iter().zip(got).enumerate() {
                assert!(agrees(*want, got.to_f64()), "{what}: element {k}: {want:?}, got {got:?}");
            }
        }
    }
}

#[test]
fn every_result_is_that_of_a_plain_loop_over_all_elements() {
    let coverage = Coverage::default();
    check(2500, case(), |case| {
        let program = Program::new(&case);
        coverage.note_case(&case, &program);
        let sources: Vec<LazyArray> =
            case.sources.iter().map(|s| s.lazy(Kind::mixed(&case, s))).collect();
        let lazies = program.lazies(&sources);
        let session = Session::builder().threads(2).build().unwrap();
        for (index, (lazy, twin)) in lazies.iter().zip(&program.twins).enumerate() {
            let what = program.story(&program.nodes[index]);
            lazy.check().unwrap_or_else(|error| panic!("{what}: {error}"));
            let shape: Vec<usize> = lazy.shape().iter().map(|&n| n as usize).collect();
            assert_eq!((shape, lazy.dtype()), (twin.shape.clone(), twin.dtype), "{what}");
            with_type!(twin.dtype, T => {
                let got = session.compute::<T>(lazy);
                let got = got.unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_agrees(twin, &got, &what);
            });
        }
        let last = lazies.len().saturating_sub(3);
        let asked: Vec<&LazyArray> = lazies[last..].iter().collect();
        let together = session.compute_all::<f64>(&asked).unwrap();
        for (got, index) in together.arrays.iter().zip(last..) {
            let twin = &program.twins[index];
            let twin = Twin { cells: Cells::Float(twin.floats()), ..twin.clone() };
            let stories = program.nodes[last..].iter().map(|node| program.story(node));
            assert_agrees(&twin, got, &format!("{index} of {}", stories.collect::<String>()));
        }
        coverage.note_plan(&session.explain(&asked).unwrap());
        for (node, fault) in &program.faults {
            coverage.note(format!("fault {fault:?}"));
            let array = lazy(node, &lazies, &sources);
            let what = program.story(node);
            with_type!(array.dtype(), T => {
                assert_fails(*fault, session.compute::<T>(&array).err(), &what);
            });
        }
    });
    coverage.assert_full();
}

/// Asserts that an expression with no answer gives none.
pub(crate) fn assert_fails(fault: Fault, error: Option<ExecError>, what: &str) {
    let right = match (fault, &error) {
        (Fault::Expression, Some(ExecError::Plan(PlanError::Expression(error)))) => {
            error.file.ends_with("lazy.rs") && error.line > 0
        }
        (Fault::Undecided, _)
        | (Fault::Overflow, Some(ExecError::Overflow { .. }))
        | (Fault::NoSample, Some(ExecError::NoSample { .. }))
        | (Fault::Cast, Some(ExecError::Cast { .. })) => true,
        _ => false,
    };
    assert!(right, "{fault:?} expected, got {error:?}: {what}");
}

#[test]
fn the_plain_loop_promotes_types_as_the_library_does() {
    for a in voxstore::DType::ALL {
        for b in voxstore::DType::ALL {
            assert_eq!(promote(a, b), a.promote(b), "{a} with {b}");
        }
    }
}
